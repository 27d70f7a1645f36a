"""How many images a process takes at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from app.domain.backlog import Lane
    from app.domain.job import Job

#: How long the owner of the next job may wait for the images of another.
_COURTESY_S = 0.15

#: For so long after its last job a tenant counts as present, each lane by itself.
_PRESENT_S = 10.0

#: The weight of the latest batch in the mean.
_WEIGHT = 0.2

#: Of so many claims one is for bulk work alone, so that it moves on however many callers wait.
_BULK = 4


class BatchSizes:
    """Takes whole batches for a tenant that is alone, and short ones where others would wait.

    A batch saves time, but nothing in it ends before all of it, and no other job gets its turn.
    """

    def __init__(self, most: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._monotonic = monotonic
        self._seen: dict[tuple[UUID | None, Lane], float] = {}
        self._seconds_per_image: float | None = None
        self._since_bulk = 0
        self._more = False

    def is_for_bulk(self) -> bool:
        """Return whether the next claim is for bulk work alone; only where there is a backlog."""
        self._since_bulk += 1
        if not self._more or self._since_bulk < _BULK:
            return False
        self._since_bulk = 0
        return True

    def found(self, *, more: bool) -> None:
        """Note whether a claim may have left something to wait."""
        self._more = more

    def next(self) -> int:
        """Return how many images the next batch should have."""
        since = self._monotonic() - _PRESENT_S
        self._seen = {one: at for one, at in self._seen.items() if at >= since}
        if len(self._seen) <= 1 or self._seconds_per_image is None:
            return self._most
        return max(1, min(self._most, int(_COURTESY_S / self._seconds_per_image)))

    def took(self, jobs: Sequence[Job], images: int, seconds: float) -> None:
        """Note whose jobs were run, and how long that took."""
        now = self._monotonic()
        self._seen |= {(job.tenant_id, job.lane): now for job in jobs}
        if images:
            each, before = seconds / images, self._seconds_per_image
            self._seconds_per_image = each if before is None else before + _WEIGHT * (each - before)
