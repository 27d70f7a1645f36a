"""What a claimed job comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from app.domain.errors import VultusError
from app.domain.job import Ending, JobState
from app.domain.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from uuid import UUID

    from app.domain.job import Job
    from app.domain.job_results import JobResult
    from app.services.ports import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a job has come to."""

    result: JobResult
    #: Images that faces refer to; the others are deleted with the end of the job.
    keep_images: Iterable[UUID] = ()


class Conclude(Protocol):
    """The last part of a job: reads and writes that must be one with its result."""

    def __call__(self, work: UnitOfWork) -> Outcome:
        """Raise a VultusError where the job has failed for a reason that stays."""


def concluded(work: UnitOfWork, claim: Job, conclude: Conclude) -> Ending:
    """Return how a job ends; what it raises for good is its outcome too.

    Raises: VultusError: one that may pass.
    """
    try:
        return succeeded(claim, conclude(work))
    except VultusError as error:
        if error.retryable:
            raise
        return failed(claim, error)


def succeeded(claim: Job, outcome: Outcome) -> Ending:
    """Return the end of a job with a result."""
    return Ending(
        claim=claim,
        state=JobState.SUCCEEDED,
        result=outcome.result,
        keep_images=tuple(outcome.keep_images),
    )


def failed(claim: Job, error: VultusError) -> Ending:
    """Return the end of a job with an error."""
    problem = Problem.of(error, instance=f"/v1/jobs/{claim.id}")
    return Ending(claim=claim, state=JobState.FAILED, error=problem)
