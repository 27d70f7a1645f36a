"""The chunks of a PNG (W3C PNG, third edition), read without its pixels."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
_SIZE = struct.Struct(">II")
_CHECKSUM_BYTES = 4
#: Where the checksum of the header stands, which has a fixed length.
_HEADER_END = 29


def read_size(data: bytes) -> tuple[int, int]:
    """Return width and height. Raises: ValueError, struct.error: damaged."""
    length, name = _CHUNK.unpack_from(data, len(SIGNATURE))
    [checksum] = struct.unpack_from(">I", data, _HEADER_END)
    if length != _HEADER_END - 16 or name != b"IHDR" or zlib.crc32(data[12:29]) != checksum:
        raise ValueError("The PNG has no header.")
    return _SIZE.unpack_from(data, 16)


@dataclass(frozen=True, slots=True)
class BarePng:
    """A PNG of what its pixels need, and what the file says beside them."""

    data: bytes
    exif: bytes
    is_animated: bool


def without_ancillary(data: bytes) -> BarePng:
    """Return a PNG with the chunks that its pixels need, whole or not, and no others.

    Checksums of the pixels are made anew: those within the compressed pixels tell of damage.
    Raises: ValueError: there are no pixels, or the palette is damaged.
    """
    kept = {b"IHDR": data[16:_HEADER_END]}
    pixels: list[bytes] = []
    exif = b""
    is_animated = False
    for name, body, is_whole in _chunks(data):
        if name == b"IDAT":
            pixels.append(body)
        elif name == b"PLTE" and not is_whole:
            raise ValueError("The palette is damaged.")
        elif name in {b"PLTE", b"tRNS"}:
            kept.setdefault(name, body)
        elif name == b"eXIf":
            exif = body
        elif name == b"acTL":
            is_animated = True
    if not any(pixels):
        raise ValueError("The PNG has no pixels.")
    chunks = [*kept.items(), (b"IDAT", b"".join(pixels)), (b"IEND", b"")]
    return BarePng(SIGNATURE + b"".join(_chunk(*one) for one in chunks), exif, is_animated)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yield names and bodies behind the header, and whether each checksum is right."""
    position = _HEADER_END + _CHECKSUM_BYTES
    while position + _CHUNK.size <= len(data):
        length, name = _CHUNK.unpack_from(data, position)
        position += _CHUNK.size
        body = data[position : position + length]
        position += length
        stated = data[position : position + _CHECKSUM_BYTES]
        position += _CHECKSUM_BYTES
        if name == b"IEND":
            return
        yield name, body, stated == zlib.crc32(name + body).to_bytes(4, "big")


def _chunk(name: bytes, body: bytes) -> bytes:
    return _CHUNK.pack(len(body), name) + body + struct.pack(">I", zlib.crc32(name + body))
