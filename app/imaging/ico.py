"""The directory of a Windows icon, which holds one picture in several sizes."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from app.imaging import png

_HEAD = struct.Struct("<HHH")
_ENTRY = struct.Struct("<BBBBHHII")
_BITMAP = struct.Struct("<Iii")
#: Icons have about ten.
_MOST_ENTRIES = 256


@dataclass(frozen=True, slots=True)
class Icon:
    """The largest picture of an icon."""

    width: int
    height: int
    #: A PNG, or an icon with this picture alone.
    data: bytes
    is_png: bool


def largest(data: bytes) -> Icon:
    """Return the largest picture, the one of most colours. Raises: ValueError, struct.error."""
    _, _, count = _HEAD.unpack_from(data)
    entries = [
        _ENTRY.unpack_from(data, _HEAD.size + n * _ENTRY.size)
        for n in range(min(count, _MOST_ENTRIES))
    ]
    if not entries:
        raise ValueError("The icon holds no picture.")
    best = max(entries, key=lambda one: ((one[0] or 256) * (one[1] or 256), one[5]))
    length, offset = best[6:]
    content = data[offset : offset + length]
    if content.startswith(png.SIGNATURE):
        return Icon(*png.read_size(content), data=content, is_png=True)
    _, width, doubled = _BITMAP.unpack_from(content)
    start = _HEAD.size + _ENTRY.size
    alone = _HEAD.pack(0, 1, 1) + _ENTRY.pack(*best[:6], len(content), start) + content
    return Icon(width, doubled // 2, data=alone, is_png=False)  # its mask stands below
