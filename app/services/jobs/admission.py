"""Whether a job may join those that wait: a bound for each tenant, and one for all."""

from __future__ import annotations

import math
import random
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.domain.backlog import Bounds, Quota
from app.domain.errors import QueueFullError, TooMuchWaitingError
from app.services.jobs.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from app.domain.backlog import Backlog, Lane
    from app.domain.job import Job
    from app.services.jobs.turns import Place
    from app.services.ports import Clock, UnitOfWork

#: No installation takes in so many images in a second: until the room that was seen could have been
#: filled by other processes, it is not looked for again.
_FASTEST = 1000
_LOOK_AGAIN_S = 0.1

#: After a refusal, this part of what waits should have been worked off.
_PART = 0.1
_LONGEST_S = 60


class _Gauge:
    """How many images wait: as they were counted lately, and those that this process has added."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._lock = threading.Lock()
        self._images = 0
        self._oldest_s = 0.0
        self._look_at = 0.0

    def read(self, count: Callable[[], Backlog], clock: Clock) -> int:
        """Return the number, counted anew where it may have changed much."""
        with self._lock:
            now = time.monotonic()
            due = now >= self._look_at
            if due:  # the others go on with the old figure meanwhile
                self._look_at = now + _LOOK_AGAIN_S
        if due:
            seen = count()
            age = (clock.now() - seen.oldest_at).total_seconds() if seen.oldest_at else 0.0
            room_s = (self._bound - seen.images) / _FASTEST
            with self._lock:
                self._images, self._oldest_s = seen.images, age
                self._look_at = time.monotonic() + max(room_s, _LOOK_AGAIN_S)
        return self._images

    def add(self, images: int) -> None:
        """Count what is being stored, or was not after all."""
        with self._lock:
            self._images += images

    def retry_after_s(self) -> int:
        """Guess when there is room, from how long the oldest has taken to come this far.

        A little more by chance, so that clients that were refused together do not return together.
        """
        wait_s = self._oldest_s * _PART * random.uniform(1, 1.5)  # noqa: S311 - no secret
        return min(_LONGEST_S, max(1, math.ceil(wait_s)))


@dataclass(slots=True)
class _Gauges:
    """Those of one process, and the places that it gives."""

    bounds: Bounds
    turns: Turns = field(default_factory=Turns)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _of: dict[tuple[UUID | None, bool, Lane], _Gauge] = field(default_factory=dict)

    def tenant(self, tenant_id: UUID | None, lane: Lane) -> _Gauge:
        return self._get((tenant_id, True, lane), self.bounds.tenant)

    def whole(self, lane: Lane) -> _Gauge:
        return self._get((None, False, lane), self.bounds.whole)

    def _get(self, key: tuple[UUID | None, bool, Lane], bound: int) -> _Gauge:
        with self._lock:
            if key not in self._of:
                self._of[key] = _Gauge(bound)
            return self._of[key]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a job that was let in has to know."""

    #: What its tenant may have waiting, this job counted.
    quota: Quota
    #: Learns of the turn once the job is stored.
    place: Place


@dataclass(frozen=True, slots=True)
class Admission:
    """Asked before a job is stored, for one tenant.

    The bounds are kept about, not exactly: counting at every submit would cost each as much as the
    queue is long, and a counter in a row would let submits wait for one another. Several processes
    may together overshoot by what they accept in a tenth of a second. Each lane is counted by
    itself, so that a backlog refuses no call that goes before it.
    """

    _gauges: _Gauges
    _tenant_id: UUID | None = None

    @classmethod
    def within(cls, bounds: Bounds) -> Admission:
        """Return one that knows nothing yet."""
        return cls(_Gauges(bounds))

    @classmethod
    def unbounded(cls) -> Admission:
        """Return one that admits everything, for who paces himself."""
        return cls.within(Bounds(tenant=sys.maxsize, whole=sys.maxsize))

    def of(self, tenant_id: UUID) -> Admission:
        """Return the same for a tenant's jobs."""
        return replace(self, _tenant_id=tenant_id)

    @contextmanager
    def enter(self, job: Job, *, work: UnitOfWork, clock: Clock) -> Iterator[Entry]:
        """Let a job in that is stored within the block.

        Raises: TooMuchWaitingError: as much of the tenant's waits as may. QueueFullError: in all.
        """
        own = self._gauges.tenant(self._tenant_id, job.lane)
        whole = self._gauges.whole(job.lane)
        bounds, images = self._gauges.bounds, max(job.progress.total, 1)
        waiting = own.read(lambda: work.backlog.of_tenant(job.lane), clock)
        quota = Quota(lane=job.lane, bound=bounds.tenant, waiting=waiting)
        if quota.remaining == 0:
            raise TooMuchWaitingError(quota, retry_after_s=own.retry_after_s())
        if whole.read(lambda: work.backlog.in_all(job.lane), clock) >= bounds.whole:
            raise QueueFullError(retry_after_s=whole.retry_after_s())
        for gauge in (own, whole):
            gauge.add(images)
        with self._gauges.turns.place((self._tenant_id, job.lane), images) as place:
            try:
                yield Entry(replace(quota, waiting=waiting + images), place)
            finally:
                if place.turn is None:
                    for gauge in (own, whole):
                        gauge.add(-images)
