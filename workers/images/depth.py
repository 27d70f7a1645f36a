"""Pixels of more than eight bits, which Pillow clips, or of which it keeps the upper byte.

A camera of ten, twelve or fourteen bits writes into sixteen without saying so: by the upper byte
alone its picture is black. What counts is the range that the image uses.
"""

import re
import sys
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image as Pillow
from PIL import ImageFile

#: The last letter of a raw mode of Pillow, the order of bytes, and the one that it drops then.
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_SIXTEEN_BITS = re.compile(r"(RGB|RGBA|RGBX);16([BLN])")
#: Grey with alpha has one order alone; its four bytes a pixel can be read as if they were colours.
_GREY_WITH_ALPHA, _AS_COLOURS = "LA;16B", "RGBA"
#: Of an upper byte, from which on all sixteen bits are in use.
_UPPER_HALF = 128


def eight_bits(values: Shaped[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    """Scale samples by the range that they use: 0 to 1, or to a power of two from 8 bits on."""
    finite = np.nan_to_num(values, nan=0, posinf=0, neginf=0)
    top = finite.max(initial=0)
    if np.issubdtype(values.dtype, np.floating) and top <= 1:
        factor = 255.0
    else:
        factor = 2.0 ** (8 - max(int(top).bit_length(), 8))
    return np.clip(finite * np.float32(factor), 0, 255).astype(np.uint8)


def has_deep_colours(image: ImageFile.ImageFile) -> bool:
    """Tell, before an image is loaded, whether Pillow will drop the lower bytes of its samples."""
    return any(_dropped(_raw_mode(tile)) for tile in image.tile)


def with_lower_bytes(upper: Pillow.Image, unread: ImageFile.ImageFile) -> Pillow.Image:
    """Return an image scaled by the range that both bytes of its samples use.

    ``upper`` is the image as Pillow loads it, ``unread`` the same one that is not loaded yet.
    """
    high = np.asarray(upper)
    if high[..., :3].max(initial=0) >= _UPPER_HALF:
        return upper
    is_grey = any(_raw_mode(tile) == _GREY_WITH_ALPHA for tile in unread.tile)
    unread.tile = [_of_lower_bytes(tile) for tile in unread.tile]
    unread.load()
    low = np.asarray(unread)
    if is_grey:
        low = low[..., [1, 1, 1, 3]]
    samples = high.astype(np.uint16) << 8 | low
    colours, alpha = samples[..., :3], samples[..., 3:]  # which may use another range
    return Pillow.fromarray(np.concatenate([eight_bits(colours), eight_bits(alpha)], axis=2))


def _raw_mode(tile: Any) -> str:  # noqa: ANN401 - Pillow's own
    arguments = tile.args[0] if isinstance(tile.args, tuple) else tile.args
    return arguments if isinstance(arguments, str) else ""


def _dropped(raw_mode: str) -> str | None:
    """Return the raw mode that gives the bytes that this one drops; ``None`` if it drops none."""
    if raw_mode == _GREY_WITH_ALPHA:
        return _AS_COLOURS
    parts = _SIXTEEN_BITS.fullmatch(raw_mode)
    return f"{parts[1]};16{_OTHER_ORDER[parts[2]]}" if parts else None


def _of_lower_bytes(tile: Any) -> Any:  # noqa: ANN401 - Pillow's own
    other = _dropped(_raw_mode(tile)) or _raw_mode(tile)
    arguments = (other, *tile.args[1:]) if isinstance(tile.args, tuple) else other
    return tile._replace(args=arguments)
