"""Judge an uploaded image by its header, before anybody spends time or memory on its pixels."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Literal, cast

from PIL import Image, UnidentifiedImageError

from app.domain.errors import (
    CorruptImageError,
    ImageTooLargeError,
    ImageTooSmallError,
    UnsupportedImageError,
)

ImageFormat = Literal["JPEG", "PNG", "WEBP"]
FORMATS: tuple[ImageFormat, ...] = ("JPEG", "PNG", "WEBP")
#: What Pillow calls a JPEG with more pictures behind it, as many telephones write them; the first
#: is the photograph.
_JPEG_WITH_EXTRAS = "MPO"

#: Each scan of a progressive JPEG goes over all pixels again. Encoders write about ten.
_MOST_SCANS = 100
_SCAN_MARKER = b"\xff\xda"  # never part of a scan's own bytes, which have 00 behind each FF

#: What Pillow is known to raise on damaged files, headers and pixels alike.
PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    struct.error,
)

# Pillow only warns of images up to twice its own limit; here that is an error, as is anything more
warnings.simplefilter("error", Image.DecompressionBombWarning)
_BOMBS = (Image.DecompressionBombWarning, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """What is accepted; every limit is inclusive."""

    max_bytes: int = 10 * 1024 * 1024
    max_pixels: int = 25_000_000
    #: In pixels, of either side.
    min_side: int = 20
    max_side: int = 12_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """What a header says; width and height are as stored, before any EXIF turn."""

    format: ImageFormat
    width: int
    height: int


def inspect_image(data: bytes, *, limits: ImageLimits) -> ImageInfo:
    """Check format, size and number of frames without decoding.

    Raises: UnsupportedImageError: not a JPEG, PNG or WebP image, or an animated one.
        CorruptImageError: empty, or the header is damaged.
        ImageTooLargeError, ImageTooSmallError: outside the limits.
    """
    with open_image(data, limits=limits) as image:
        found = "JPEG" if image.format == _JPEG_WITH_EXTRAS else image.format
        return ImageInfo(format=cast("ImageFormat", found), width=image.width, height=image.height)


def open_image(data: bytes, *, limits: ImageLimits) -> Image.Image:
    """Open an image that ``inspect_image`` accepts; its pixels are not decoded yet."""
    _check_bytes(data, limits)
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
        frames: int = getattr(image, "n_frames", 1)
    except _BOMBS as error:
        raise ImageTooLargeError(_too_many_pixels(limits)) from error
    except UnidentifiedImageError as error:
        raise CorruptImageError from error
    except PILLOW_ERRORS as error:
        raise CorruptImageError from error
    if frames > 1 and image.format != _JPEG_WITH_EXTRAS:
        raise UnsupportedImageError("Animated images are not supported; send one frame.")
    _check_size(image, limits)
    return image


def _check_bytes(data: bytes, limits: ImageLimits) -> None:
    if not data:
        raise CorruptImageError("The image is empty; send the complete file.")
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(
            f"The image has {len(data):,} bytes; at most {limits.max_bytes:,} are allowed."
        )
    known = (
        data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))
        or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
    )  # fmt: skip
    if not known:
        raise UnsupportedImageError
    if data.startswith(b"\xff\xd8") and data.count(_SCAN_MARKER) > _MOST_SCANS:
        raise ImageTooLargeError(
            f"The JPEG has more than {_MOST_SCANS} scans; save it again as a plain JPEG."
        )


def _check_size(image: Image.Image, limits: ImageLimits) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise ImageTooLargeError(_too_many_pixels(limits))
    if max(width, height) > limits.max_side:
        raise ImageTooLargeError(
            f"The image is {width} x {height} pixels; no side may exceed {limits.max_side}."
        )
    if min(width, height) < limits.min_side:
        raise ImageTooSmallError(
            f"The image is {width} x {height} pixels; each side needs at least {limits.min_side}."
        )


def _too_many_pixels(limits: ImageLimits) -> str:
    return f"The image has too many pixels; at most {limits.max_pixels:,} are allowed."
