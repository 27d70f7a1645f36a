"""Sizes of formats whose header has a fixed place for them."""

from __future__ import annotations

import struct

#: The one bitmap header with sizes of two bytes.
_OS2_HEADER = 12


def gif_size(data: bytes) -> tuple[int, int]:
    """Return the size of a GIF's screen. Raises: struct.error: cut short."""
    return struct.unpack_from("<HH", data, 6)


def bmp_size(data: bytes) -> tuple[int, int]:
    """Return the size of a bitmap, whose height is negative where it begins at the top.

    Raises: struct.error: cut short.
    """
    [header] = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == _OS2_HEADER else "<ii", data, 18)
    return width, abs(height)


def webp_length(data: bytes) -> int:
    """Return the length of a WebP by its first chunk, which holds all others."""
    return 8 + int.from_bytes(data[4:8], "little")


def webp_size(data: bytes) -> tuple[int, int]:
    """Return the size of a WebP's canvas (RFC 9649). Raises: ValueError, struct.error: damaged."""
    kind = data[12:16]
    if kind == b"VP8X":
        _require(data, 30)
        return _three(data, 24) + 1, _three(data, 27) + 1
    if kind == b"VP8L":
        [bits] = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("The header names no frame.")


def _three(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 3], "little")


def _require(data: bytes, length: int) -> None:
    if len(data) < length:
        raise ValueError("The header is incomplete.")
