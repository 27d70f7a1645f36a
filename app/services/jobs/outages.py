"""When the database could not be written to."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Outages:
    """Remembers when the database last took no rows; safe to share between threads.

    A lease that passed in that time tells nothing of its worker, which could not prolong it.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen_at: float | None = None

    def saw_one(self) -> None:
        """Note that the database takes no rows now."""
        self._seen_at = self._monotonic()

    @property
    def over_for(self) -> timedelta | None:
        """How long ago it was; ``None`` where there was none."""
        if self._seen_at is None:
            return None
        return timedelta(seconds=self._monotonic() - self._seen_at)
