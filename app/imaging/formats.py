"""The formats of image files that are read, told apart by content."""

from __future__ import annotations

from typing import Literal, TypeAlias

ImageFormat: TypeAlias = Literal["JPEG", "PNG", "WEBP", "GIF", "BMP", "ICO", "TIFF", "HEIF", "AVIF"]

#: As registered with IANA.
MEDIA_TYPES: dict[ImageFormat, str] = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "ICO": "image/vnd.microsoft.icon",
    "TIFF": "image/tiff",
    "HEIF": "image/heic",
    "AVIF": "image/avif",
}

_BEGINNINGS: tuple[tuple[bytes, ImageFormat], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\0\0\1\0", "ICO"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
)
#: Lengths of the headers that a bitmap may have; "BM" alone begins many a text.
_BITMAP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1",
}  # fmt: skip
#: Files list a handful of brands.
_MOST_BRANDS = 64


def recognise(data: bytes) -> ImageFormat | None:
    """Return the format of a file by its first bytes, or ``None`` where it is none of ours."""
    for beginning, found in _BEGINNINGS:
        if data.startswith(beginning):
            return found
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BITMAP_HEADERS:
        return "BMP"
    if data[4:8] == b"ftyp":
        return _by_brands(data)
    return None


def _by_brands(data: bytes) -> ImageFormat | None:
    """Tell AVIF from HEIF, two contents of one container (ISO/IEC 14496-12, box ``ftyp``)."""
    end = min(int.from_bytes(data[:4], "big"), 16 + 4 * _MOST_BRANDS)
    listed = data[16:end]
    brands = {data[8:12], *(listed[n : n + 4] for n in range(0, len(listed), 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None
