"""Judge an uploaded image by its header, before anybody spends time or memory on its pixels.

The front runs this in its own process, so nothing here decodes, and a file's header costs no more
than a few milliseconds, whatever stands in it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from app.domain.errors import (
    CorruptImageError,
    ImageTooLargeError,
    ImageTooSmallError,
    UnsupportedImageError,
)
from app.imaging import fixed_headers, heif, ico, jpeg, png, tiff
from app.imaging.formats import ImageFormat, recognise

#: What decoding may take beside the decoder itself, for each pixel that may be looked at: an image
#: is held in several forms at once while a rare kind of pixels is converted.
MEMORY_PER_PIXEL = 20

#: What decoding takes for each pixel of the file, measured and rounded up. A JPEG is decoded at a
#: reduced scale instead, and counts for what its header says.
_BYTES_PER_PIXEL: dict[ImageFormat, int] = {"WEBP": 18}
_BYTES_PER_PIXEL_ELSE = 10

#: By how much an image may be reduced; decoders of JPEG know no others.
_SCALES = (1, 2, 4, 8)

_READ_SIZE = {
    "PNG": png.read_size,
    "WEBP": fixed_headers.webp_size,
    "GIF": fixed_headers.gif_size,
    "BMP": fixed_headers.bmp_size,
    "TIFF": tiff.read_size,
    "HEIF": heif.read_size,
    "AVIF": heif.read_size,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """What is accepted; every limit is inclusive."""

    max_bytes: int = 10 * 1024 * 1024
    #: Of what is looked at: a larger image is reduced to it.
    max_pixels: int = 25_000_000
    #: In pixels, of either side, after it was reduced.
    min_side: int = 20
    max_side: int = 12_000

    @property
    def memory_bytes(self) -> int:
        """What decoding one image may take."""
        return self.max_pixels * MEMORY_PER_PIXEL


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """What a header says; width and height are as stored, before any turn."""

    format: ImageFormat
    width: int
    height: int
    #: By how much either side is to be divided: 1, 2, 4 or 8.
    scale: int = 1


def inspect_image(data: bytes, *, limits: ImageLimits) -> ImageInfo:
    """Check format and size without decoding.

    Raises: UnsupportedImageError: the file is of none of the formats that are read.
        CorruptImageError: empty, or the header is damaged.
        ImageTooLargeError, ImageTooSmallError: outside the limits.
    """
    if not data:
        raise CorruptImageError("The image is empty. Send the complete file.")
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(
            f"The image has {len(data):,} bytes, but at most {limits.max_bytes:,} are allowed. "
            "Scale it down, or save it with a lower quality."
        )
    found = recognise(data)
    if found is None:
        raise UnsupportedImageError
    width, height, coefficients = _read_header(data, found)
    needed = coefficients if found == "JPEG" else width * height * bytes_per_pixel(found)
    if needed > limits.memory_bytes:
        raise ImageTooLargeError(_too_much_memory(found, width, height, limits))
    scale = choose_scale(width, height, limits)
    return ImageInfo(format=found, width=width, height=height, scale=scale)


def bytes_per_pixel(kind: ImageFormat) -> int:
    """Return the memory that decoding takes for each pixel of a format other than JPEG."""
    return _BYTES_PER_PIXEL.get(kind, _BYTES_PER_PIXEL_ELSE)


def choose_scale(width: int, height: int, limits: ImageLimits) -> int:
    """Return by how much an image has to be reduced.

    Raises: ImageTooSmallError, ImageTooLargeError: no scale brings it within the limits.
    """
    if min(width, height) < limits.min_side:
        raise ImageTooSmallError(
            f"The image is {width:,} x {height:,} pixels, but each side needs at least "
            f"{limits.min_side}. Send a larger one."
        )
    for scale in _SCALES:
        reduced = reduced_size(width, height, scale)
        if reduced[0] * reduced[1] <= limits.max_pixels and max(reduced) <= limits.max_side:
            if min(reduced) < limits.min_side:
                raise ImageTooLargeError(
                    f"The image is {width:,} x {height:,} pixels, but no side may exceed "
                    f"{limits.max_side:,} if the other is so short. Crop it."
                )
            return scale
    raise ImageTooLargeError(
        f"The image has too many pixels ({width:,} x {height:,}). Even reduced to an eighth, "
        f"at most {limits.max_pixels:,} are allowed. Scale it down."
    )


def reduced_size(width: int, height: int, scale: int) -> tuple[int, int]:
    """Return the size of an image whose sides are divided, begun pixels counted."""
    return -(-width // scale), -(-height // scale)


def _read_header(data: bytes, found: ImageFormat) -> tuple[int, int, int]:
    """Return width, height, and the bytes of a progressive JPEG's coefficients."""
    coefficients = 0
    try:
        if found == "JPEG":
            header = jpeg.read_header(data)
            width, height, coefficients = header.width, header.height, header.coefficient_bytes
        elif found == "ICO":
            icon = ico.largest(data)
            width, height = icon.width, icon.height
        else:
            width, height = _READ_SIZE[found](data)
    except (ValueError, IndexError, struct.error) as error:
        raise CorruptImageError from error
    if width <= 0 or height <= 0:
        raise CorruptImageError
    return width, height, coefficients


def _too_much_memory(found: ImageFormat, width: int, height: int, limits: ImageLimits) -> str:
    size = f"The image has {width * height:,} pixels"
    if found == "JPEG":
        return (
            f"{size}, which takes too much memory in a progressive JPEG. Save it as a plain JPEG, "
            "or scale it down."
        )
    most = limits.memory_bytes // bytes_per_pixel(found)
    return (
        f"{size}; at most {most:,} are decoded of a {found}. Scale it down, or send a JPEG, which "
        "may have more."
    )
