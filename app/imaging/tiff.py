"""The first directory of a TIFF (Adobe TIFF 6.0, section 2), which Exif data is too."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_WIDTH = 256
_HEIGHT = 257
_ORIENTATION = 274

_SHORT, _LONG, _LONG8 = 3, 4, 16
#: Cameras write about a hundred.
_MOST_TAGS = 2_000


@dataclass(frozen=True, slots=True)
class _Layout:
    """How TIFF and BigTIFF write offsets and entries; without the byte order."""

    offset: str
    offset_at: int
    count: str
    entry: str


_LAYOUTS = {
    42: _Layout(offset="I", offset_at=4, count="H", entry="HHI4s"),
    43: _Layout(offset="Q", offset_at=8, count="Q", entry="HHQ8s"),
}


def read_size(data: bytes) -> tuple[int, int]:
    """Return width and height of the first image. Raises: ValueError, struct.error: damaged."""
    tags = _first_directory(data)
    if _WIDTH not in tags or _HEIGHT not in tags:
        raise ValueError("The header names no size.")
    return tags[_WIDTH], tags[_HEIGHT]


def read_orientation(exif: bytes) -> int:
    """Return the orientation that Exif data states, 1 to 8; 1 where it states none or is damaged.

    Source: Exif 2.32, section 4.6.4, tag Orientation.
    """
    try:
        stated = _first_directory(exif.removeprefix(b"Exif\0\0")).get(_ORIENTATION, 1)
    except (ValueError, struct.error):
        return 1
    return stated if stated in range(1, 9) else 1


def _first_directory(data: bytes) -> dict[int, int]:
    """Return the whole numbers of the first directory by their tags."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise ValueError("The header names no byte order.")
    [kind] = struct.unpack_from(f"{order}H", data, 2)
    layout = _LAYOUTS.get(kind)
    if layout is None:
        raise ValueError("The header names no version.")
    [start] = struct.unpack_from(order + layout.offset, data, layout.offset_at)
    if start >= len(data):
        raise ValueError("The TIFF has no directory.")
    [count] = struct.unpack_from(order + layout.count, data, start)
    entry = struct.Struct(order + layout.entry)
    first = start + struct.calcsize(order + layout.count)
    formats = {_SHORT: f"{order}H", _LONG: f"{order}I", _LONG8: f"{order}Q"}
    found: dict[int, int] = {}
    for number in range(min(count, _MOST_TAGS)):
        at = first + number * entry.size
        if at + entry.size > len(data):
            break
        tag, kind, values, content = entry.unpack_from(data, at)
        form = formats.get(kind)
        if values == 1 and form is not None and struct.calcsize(form) <= len(content):
            [value] = struct.unpack_from(form, content)
            found.setdefault(tag, value)
    return found
