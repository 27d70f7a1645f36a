"""What waits for the workers, and how much of it may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class Lane(IntEnum):
    """Which of two queued jobs goes first: that of the lower lane."""

    #: A caller waits for the answer.
    INTERACTIVE = 0
    BULK = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waited in a lane when it was counted; a job without images counts as one."""

    images: int
    #: When the job came that has waited longest; ``None`` where none waits.
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many images may wait in each lane."""

    tenant: int
    whole: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How much of a tenant's bound in a lane is taken."""

    lane: Lane
    bound: int
    waiting: int

    @property
    def remaining(self) -> int:
        """How many images may be added."""
        return max(0, self.bound - self.waiting)
