"""Ids that sort by the time they were drawn."""

from __future__ import annotations

import secrets
import threading
import time
from uuid import UUID

#: The last id of each thread, as a number.
_drawn = threading.local()


def new_id() -> UUID:
    """Return a UUID of version 7 (RFC 9562, 5.7): 48 bits of milliseconds, then random bits.

    Rows that are made together lie together in an index, and ids in a log are in order. Those of
    one thread are in order within a millisecond too, and when the clock is set back: each is then
    the last one and a random step (RFC 9562, 6.2, method 2).
    """
    # The highest of the random bits behind the variant stays free, so that no step reaches it.
    value = (time.time_ns() // 1_000_000) << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    value |= 0x2 << 62 | secrets.randbits(61)
    last: int = getattr(_drawn, "last", 0)
    if value <= last:
        value = last + 1 + secrets.randbits(32)
    _drawn.last = value
    return UUID(int=value)
