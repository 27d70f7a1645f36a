"""Take jobs and end them, each exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from app.domain.errors import VultusError
from app.domain.job import JobState
from app.services.deliver import enqueue_events
from app.services.problems import problem

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from collections.abc import Mapping
    from datetime import timedelta
    from uuid import UUID

    from app.domain.job import Job
    from app.services.ports import Clock, JobQueue, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a job has come to."""

    result: Mapping[str, Any]
    #: Images that faces refer to; the others are deleted with the end of the job.
    keep_images: Iterable[UUID] = ()


class Conclude(Protocol):
    """The last part of a job: reads and writes that must be one with its result."""

    def __call__(self, work: UnitOfWork) -> Outcome:
        """Raise a VultusError where the job has failed for a reason that stays."""


def complete_job(
    claim: Job,
    conclude: Conclude,
    *,
    retention: timedelta,
    uow: UnitOfWorkFactory,
    queue: JobQueue,
    clock: Clock,
) -> bool:
    """Write a job's effects, result and webhook deliveries in one transaction, then put those.

    Whoever has lost the claim writes nothing and is told ``False``. A VultusError of ``conclude``
    that is not retryable is the job's outcome; a retryable one is raised on.
    """
    try:
        with uow() as work:
            if not work.jobs.hold(claim):
                return False
            outcome = conclude(work)
            ended = _end(work, claim, outcome, retention=retention, clock=clock)
    except VultusError as error:
        if error.retryable:
            raise
        return fail_job(claim, error, retention=retention, uow=uow, queue=queue, clock=clock)
    return _announce(ended, queue)


def fail_job(
    claim: Job,
    error: VultusError,
    *,
    retention: timedelta,
    uow: UnitOfWorkFactory,
    queue: JobQueue,
    clock: Clock,
) -> bool:
    """End a claimed job with an error that is its outcome; ``False`` when the claim was lost."""
    with uow() as work:
        ended = _end(work, claim, error, retention=retention, clock=clock)
    return _announce(ended, queue)


def _end(
    work: UnitOfWork,
    claim: Job,
    outcome: Outcome | VultusError,
    *,
    retention: timedelta,
    clock: Clock,
) -> list[UUID] | None:
    """Finish the job and commit; return the deliveries made, or ``None`` without the claim."""
    expires_at = clock.now() + retention
    if isinstance(outcome, VultusError):
        finished = work.jobs.finish(
            claim,
            JobState.FAILED,
            result=None,
            error=problem(outcome, instance=f"/v1/jobs/{claim.id}"),
            expires_at=expires_at,
            keep_images=(),
        )
    else:
        finished = work.jobs.finish(
            claim,
            JobState.SUCCEEDED,
            result=outcome.result,
            error=None,
            expires_at=expires_at,
            keep_images=outcome.keep_images,
        )
    if not finished:
        return None
    deliveries = _events(work, claim.id)
    work.commit()
    return deliveries


def cancel_job(
    job_id: UUID,
    *,
    retention: timedelta,
    uow: UnitOfWorkFactory,
    queue: JobQueue,
    clock: Clock,
) -> bool:
    """End a job that has not ended; ``False`` when it had."""
    with uow() as work:
        if not work.jobs.cancel(job_id, expires_at=clock.now() + retention):
            return False
        deliveries = _events(work, job_id)
        work.commit()
    return _announce(deliveries, queue)


def _events(work: UnitOfWork, job_id: UUID) -> list[UUID]:
    job = work.jobs.get(job_id)
    return [] if job is None else enqueue_events(work, job)


def _announce(deliveries: list[UUID] | None, queue: JobQueue) -> bool:
    if deliveries is None:
        return False
    for delivery_id in deliveries:
        queue.put_delivery(delivery_id)
    return True
