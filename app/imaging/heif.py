"""The boxes of a HEIF or AVIF file (ISO/IEC 23008-12), as far as they tell its size."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOX = struct.Struct(">I4s")
_LARGE = struct.Struct(">Q")
#: A photograph in tiles has some hundred, its properties included.
_MOST_BOXES = 2_000
#: Version and flags of what the standard calls a full box.
_FULL = 4

_ANY_PROPERTY = 0x7FFF
_SMALL_PROPERTY = 0x7F


def read_size(data: bytes) -> tuple[int, int]:
    """Return width and height of the primary image before it is turned.

    Raises: ValueError, struct.error: damaged, or a film without a still image.
    """
    meta = _child(data, b"meta", (0, len(data)))
    within = meta[0] + _FULL, meta[1]
    primary = _primary(data, _child(data, b"pitm", within))
    properties = _child(data, b"iprp", within)
    own = _associated(data, _child(data, b"ipma", properties), primary)
    boxes = list(_boxes(data, _child(data, b"ipco", properties)))
    for number in own:
        if 0 < number <= len(boxes) and boxes[number - 1][0] == b"ispe":
            width, height = struct.unpack_from(">II", data, boxes[number - 1][1] + _FULL)
            return width, height
    raise ValueError("The header names no size.")


def stated_length(data: bytes) -> int:
    """Return the length of a file by its boxes, of which the last may reach beyond its end.

    Raises: ValueError, struct.error: damaged.
    """
    position = 0
    for _ in range(_MOST_BOXES):
        if position + _BOX.size > len(data):
            break
        length, _ = _BOX.unpack_from(data, position)
        if length == 1:
            [length] = _LARGE.unpack_from(data, position + _BOX.size)
        if length < _BOX.size:
            break  # up to the end, or damaged
        position += length
    return max(position, len(data))


def _boxes(data: bytes, within: tuple[int, int]) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each box, and where its content begins and ends."""
    position, end = within
    for _ in range(_MOST_BOXES):
        if position + _BOX.size > end:
            return
        length, name = _BOX.unpack_from(data, position)
        content = position + _BOX.size
        if length == 1:
            [length] = _LARGE.unpack_from(data, content)
            content += _LARGE.size
        after = end if length == 0 else position + length
        if after < content:
            raise ValueError("A box is smaller than its head.")
        yield name, content, min(after, end)
        position = after


def _child(data: bytes, wanted: bytes, within: tuple[int, int]) -> tuple[int, int]:
    for name, begin, end in _boxes(data, within):
        if name == wanted:
            return begin, end
    raise ValueError("A box is missing.")


def _primary(data: bytes, box: tuple[int, int]) -> int:
    form = ">H" if data[box[0]] == 0 else ">I"
    [item] = struct.unpack_from(form, data, box[0] + _FULL)
    return int(item)


def _associated(data: bytes, box: tuple[int, int], item: int) -> list[int]:
    """Return the numbers of the properties of an item, from 1."""
    version, has_large_numbers = data[box[0]], data[box[0] + 3] & 1
    head = struct.Struct(">HB" if version == 0 else ">IB")
    [count] = struct.unpack_from(">I", data, box[0] + _FULL)
    position = box[0] + _FULL + 4
    for _ in range(min(count, _MOST_BOXES)):
        of, several = head.unpack_from(data, position)
        position += head.size
        if of == item:
            form = f">{several}{'H' if has_large_numbers else 'B'}"
            mask = _ANY_PROPERTY if has_large_numbers else _SMALL_PROPERTY
            return [number & mask for number in struct.unpack_from(form, data, position)]
        position += several * (2 if has_large_numbers else 1)
    raise ValueError("The primary image has no properties.")
