"""From the bytes of an upload to upright RGB pixels.

What becomes of other kinds of pixels: grey is repeated over the channels; palettes are looked up;
values of more than eight bits keep the upper eight of those that the image uses; CMYK is converted
by Pillow's plain formula; whatever is transparent shows white. Embedded colour profiles are
ignored: the models were trained on pixels read that way.
"""

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL import Image as Pillow

from app.domain.detection import ImageWarning
from app.domain.errors import CorruptImageError, ImageTooLargeError
from app.imaging import fixed_headers, heif, ico, jpeg, png
from app.imaging.formats import ImageFormat
from app.imaging.inspect import ImageLimits, choose_scale, inspect_image
from app.imaging.tiff import read_orientation
from workers.images.depth import eight_bits, has_deep_colours, with_lower_bytes
from workers.ports import DecodedImage

#: EXIF orientation to the turn that undoes it (Exif 2.32, section 4.6.4, tag Orientation).
_TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
#: Turns after which width and height have changed places.
_SIDEWAYS = range(5, 9)

#: TIFF's tag PhotometricInterpretation, which Pillow does not heed for more than eight bits.
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0

_READERS: dict[ImageFormat, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "ICO": IcoImagePlugin.IcoImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "HEIF": pillow_heif.HeifImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}

#: Of formats whose decoders want a file of the length that it states. An AVIF is not among them:
#: its decoder makes something up for what is missing.
_STATED_LENGTHS: dict[ImageFormat, Callable[[bytes], int]] = {
    "WEBP": fixed_headers.webp_length,
    "HEIF": heif.stated_length,
}

#: What the decoders are known to raise on damaged files.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    EOFError,
    struct.error,
    zlib.error,
)

Pillow.MAX_IMAGE_PIXELS = None  # our own limits count, which know the memory that there is
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pillow_heif.options.DECODE_THREADS = 1


@dataclass(frozen=True, slots=True)
class _File:
    """An image without what lies beside its pixels, ready for a decoder."""

    format: ImageFormat
    data: bytes
    #: As EXIF states it; ``None`` where the decoder has to be asked.
    orientation: int | None = 1
    has_more_frames: bool | None = False

    def open(self) -> ImageFile.ImageFile:
        return _READERS[self.format](BytesIO(self.data))


def decode_image(data: bytes, *, limits: ImageLimits) -> DecodedImage:
    """Decode one image, turned as it says itself, reduced where it is larger than the limits.

    Raises: UnsupportedImageError, ImageTooLargeError, ImageTooSmallError: by its header, see
            ``app.imaging.inspect``; too much memory makes an image too large as well.
        CorruptImageError: damaged, and none of its pixels can be used.
    """
    found = inspect_image(data, limits=limits).format
    try:
        with warnings.catch_warnings(action="ignore"):  # Pillow's, of metadata
            file = _without_metadata(data, found)
            try:
                return _decode(file, limits)
            except _DECODER_ERRORS:
                with _taking_what_is_there():
                    return _decode(_ended(file, limits), limits, is_whole=False)
    except MemoryError as error:
        raise ImageTooLargeError(
            "Decoding the image takes too much memory. Scale it down."
        ) from error
    except _DECODER_ERRORS as error:
        raise CorruptImageError from error


def _without_metadata(data: bytes, found: ImageFormat) -> _File:
    """Take away what must not decide, where a format has much of it."""
    if found == "JPEG":
        bare, exif = jpeg.without_metadata(data)
        return _File(found, bare, read_orientation(exif))
    if found == "ICO":
        icon = ico.largest(data)
        return _bare_png(icon.data) if icon.is_png else _File(found, icon.data)
    if found == "PNG":
        return _bare_png(data)
    return _File(found, data, orientation=None, has_more_frames=None)


def _bare_png(data: bytes) -> _File:
    bare = png.without_ancillary(data)
    return _File("PNG", bare.data, read_orientation(bare.exif), bare.is_animated)


def _ended(file: _File, limits: ImageLimits) -> _File:
    """Let a file end properly where it was cut short: its decoder then gives what it has."""
    if file.format == "JPEG":
        return replace(file, data=file.data + jpeg.END)
    if file.format in _STATED_LENGTHS:
        length = _STATED_LENGTHS[file.format](file.data)
        if length <= limits.max_bytes:  # or the whole file would have been refused
            return replace(file, data=file.data.ljust(length, b"\0"))
    return file


@contextmanager
def _taking_what_is_there() -> Iterator[None]:
    """Let Pillow give the rows that it could decode; the others stay blank."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _decode(file: _File, limits: ImageLimits, *, is_whole: bool = True) -> DecodedImage:
    with file.open() as image:
        width, height = image.size
        # Also of what is loaded whole: a frame may be far larger than the header's canvas.
        scale = choose_scale(width, height, limits)
        if file.format == "JPEG":
            image.draft(None, (width // scale, height // scale))
        loaded = _load(image, file)
        if not is_whole and file.format != "JPEG" and not np.asarray(image).any():
            raise CorruptImageError  # blank: nothing could be decoded
        if file.format != "JPEG":
            width, height = loaded.size  # some decoders know it only now
            scale = choose_scale(width, height, limits)
            loaded = loaded.reduce(scale) if scale > 1 else loaded
        orientation = _orientation(image, file)
        upright = _to_rgb(loaded)
        if orientation in _TURNS:
            upright = upright.transpose(_TURNS[orientation])
        pixels = np.asarray(upright)
        if orientation in _SIDEWAYS:
            width, height = height, width
        noted = {
            ImageWarning.INCOMPLETE: not is_whole,
            ImageWarning.REDUCED: scale > 1,
            ImageWarning.FIRST_FRAME: _has_more_frames(image, file),
        }
    return DecodedImage(
        pixels=pixels,
        width=width,
        height=height,
        scale=scale,
        warnings=tuple(one for one, applies in noted.items() if applies),
    )


def _load(image: ImageFile.ImageFile, file: _File) -> Pillow.Image:
    """Decode the pixels; return them as L, RGB, RGBA or CMYK of eight bits."""
    is_deep = has_deep_colours(image)
    is_white_zero = (
        isinstance(image, TiffImagePlugin.TiffImageFile)
        and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    )
    image.load()
    if is_deep:
        with file.open() as unread:
            return with_lower_bytes(image, unread)
    if image.mode.startswith(("I", "F")):
        grey = Pillow.fromarray(eight_bits(np.asarray(image)))
        return ImageOps.invert(grey) if is_white_zero else grey
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in {"L", "RGB", "CMYK"}:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _to_rgb(image: Pillow.Image) -> Pillow.Image:
    if image.mode == "RGB":
        return image
    if image.mode == "RGBA":
        white = Pillow.new("RGBA", image.size, (255, 255, 255, 255))
        return Pillow.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _orientation(image: Pillow.Image, file: _File) -> int:
    """Return how the pixels lie; decoders of HEIF and TIFF turn them themselves."""
    if file.orientation is not None:
        return file.orientation
    if file.format in {"WEBP", "AVIF"}:
        return read_orientation(image.info.get("exif", b""))
    return 1


def _has_more_frames(image: Pillow.Image, file: _File) -> bool:
    if file.has_more_frames is not None:
        return file.has_more_frames
    with suppress(*_DECODER_ERRORS):  # of a frame that is not needed
        return bool(getattr(image, "is_animated", False))
    return False
