"""Pictures that tell the stub models what to do: the width is the order."""

from __future__ import annotations

import io
import struct
from enum import IntEnum

from PIL import Image


class Order(IntEnum):
    """What the models do with a picture of this width."""

    WORK = 64
    #: Die of a bad pointer.
    CRASH = 65
    #: Ask for ever more memory.
    GROW = 66
    #: Compute without end.
    SPIN = 67
    #: Wait without end.
    SLEEP = 68
    #: Take so many seconds.
    ONE_SECOND = 69
    FIVE_SECONDS = 70
    FORTY_SECONDS = 71


def picture(number: int, order: Order = Order.WORK) -> bytes:
    """Return a PNG that is like no other number's."""
    colour = (number % 251, number // 251 % 251, number // 251**2)
    target = io.BytesIO()
    Image.new("RGB", (order, 24), colour).save(target, "PNG")
    return target.getvalue()


def order_of(data: bytes) -> Order:
    """Read the width from a PNG's header."""
    return Order(struct.unpack_from(">I", data, 16)[0])
