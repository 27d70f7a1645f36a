"""When a job counts as lost or as hopeless, and for how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRules:
    """The same for every job of an installation."""

    #: After this time the message of a job that is still queued counts as lost.
    republish_after: timedelta
    #: So many lost processes end a job as dead.
    max_losses: int
    #: So many attempts that count do so too.
    max_attempts: int
    #: A job that has been queued for so long ends as dead, unrun.
    longest_wait: timedelta
    #: For so long an ended job is kept; its collection may say less.
    retention: timedelta
