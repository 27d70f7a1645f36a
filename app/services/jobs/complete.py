"""Take jobs and end them, each exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from app.domain.audit import Action
from app.domain.errors import VultusError
from app.domain.job import Ending, JobState
from app.domain.problem import Problem
from app.services.webhooks.deliver import enqueue_events

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from app.domain.job import Job
    from app.domain.job_results import JobResult
    from app.services.ports import Clock, JobQueue, UnitOfWork, UnitOfWorkFactory


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
            if claim.collection_id is not None:
                work.collections.hold(claim.collection_id)  # before its jobs, like its deletion
            if not work.jobs.hold(claim):
                return False
            ending = _succeeded(claim, conclude(work))
            deliveries = _end(work, [ending], retention=retention, clock=clock)
    except VultusError as error:
        if error.retryable:
            raise
        return fail_job(claim, error, retention=retention, uow=uow, queue=queue, clock=clock)
    return _announce(deliveries, queue)


def complete_jobs(
    conclusions: Sequence[tuple[Job, Conclude]],
    *,
    retention: timedelta,
    uow: UnitOfWorkFactory,
    queue: JobQueue,
    clock: Clock,
) -> None:
    """End several jobs whose conclusions only read, in one transaction.

    Each is fenced by itself: a lost claim loses one result. Nothing at all is written when anything
    is raised; the jobs can then still be completed one by one.
    """
    with uow() as work:
        endings = [_concluded(work, claim, conclude) for claim, conclude in conclusions]
        deliveries = _end(work, endings, retention=retention, clock=clock)
    _announce(deliveries, queue)


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
        deliveries = _end(work, [_failed(claim, error)], retention=retention, clock=clock)
    return _announce(deliveries, queue)


def _concluded(work: UnitOfWork, claim: Job, conclude: Conclude) -> Ending:
    try:
        return _succeeded(claim, conclude(work))
    except VultusError as error:
        if error.retryable:
            raise
        return _failed(claim, error)


def _succeeded(claim: Job, outcome: Outcome) -> Ending:
    return Ending(
        claim=claim,
        state=JobState.SUCCEEDED,
        result=outcome.result,
        keep_images=tuple(outcome.keep_images),
    )


def _failed(claim: Job, error: VultusError) -> Ending:
    problem = Problem.of(error, instance=f"/v1/jobs/{claim.id}")
    return Ending(claim=claim, state=JobState.FAILED, error=problem)


def _end(
    work: UnitOfWork, endings: Sequence[Ending], *, retention: timedelta, clock: Clock
) -> list[UUID] | None:
    """Finish the jobs and commit; return the deliveries made, or ``None`` if no claim held."""
    ended, heard = work.jobs.finish(endings, expires_at=clock.now() + retention)
    if not ended:
        return None
    deliveries = enqueue_events(work, ended) if heard else []
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
        job = work.jobs.get(job_id)
        deliveries = [] if job is None else enqueue_events(work, [job])
        work.audit.record(Action.CANCEL_JOB, job_id)
        work.commit()
    return _announce(deliveries, queue)


def _announce(deliveries: list[UUID] | None, queue: JobQueue) -> bool:
    if deliveries is None:
        return False
    for delivery_id in deliveries:
        queue.put_delivery(delivery_id)
    return True
