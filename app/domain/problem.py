"""An error as callers read it (RFC 9457)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.domain.errors import VultusError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a job, or with one of its images."""

    #: A path below the service's own address, so that a stored problem stays right when the service
    #: moves; the front makes it absolute.
    type: str
    title: str
    status: int
    detail: str
    #: The path of the job that has failed.
    instance: str | None = None

    @classmethod
    def of(cls, error: VultusError, *, instance: str | None = None) -> Problem:
        """Describe an error."""
        return cls(
            type=f"/problems/{error.slug}",
            title=error.title,
            status=error.status,
            detail=error.detail,
            instance=instance,
        )
