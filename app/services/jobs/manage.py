"""Look after jobs once they are submitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.errors import ConflictError, NotFoundError
from app.domain.job import JobState
from app.services.access.visibility import require_visible_job

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from datetime import datetime
    from uuid import UUID

    from app.domain.caller import Caller
    from app.domain.job import Job, JobType
    from app.services.jobs.desk import JobDesk
    from app.services.ports import UnitOfWorkFactory


def get_job(job_id: UUID, *, caller: Caller, uow: UnitOfWorkFactory) -> Job:
    """Return a job. Raises: NotFoundError."""
    with uow() as work:
        return require_visible_job(work.jobs.get(job_id), caller)


def list_jobs(
    *,
    states: Iterable[JobState],
    types: Iterable[JobType],
    before: tuple[datetime, UUID] | None,
    limit: int,
    caller: Caller,
    uow: UnitOfWorkFactory,
) -> list[Job]:
    """Return the jobs that the caller may see, newest first; empty filters admit everything."""
    with uow() as work:
        return work.jobs.page(
            owner_id=caller.owner_filter, states=states, types=types, before=before, limit=limit
        )


def cancel_job(job_id: UUID, *, caller: Caller, desk: JobDesk) -> Job:
    """End a queued or running job; a cancelled one stays as it is.

    Raises: NotFoundError. ConflictError: the job had ended in another way.
    """
    get_job(job_id, caller=caller, uow=desk.uow)
    desk.cancel(job_id)
    job = get_job(job_id, caller=caller, uow=desk.uow)
    if job.state is not JobState.CANCELLED:
        raise ConflictError(f"The job has ended as {job.state} and cannot be cancelled.")
    return job


def requeue_job(job_id: UUID, *, caller: Caller, desk: JobDesk) -> Job:
    """Start a dead job again. Raises: NotFoundError. ConflictError: the job is not dead."""
    with desk.uow() as work:
        job = require_visible_job(work.jobs.get(job_id), caller)
        publish_at = desk.clock.now() + desk.rules.republish_after
        if not work.jobs.requeue(job_id, publish_at=publish_at):
            raise ConflictError(f"Only a dead job can be requeued. This one is {job.state}.")
        work.audit.record(Action.REQUEUE_JOB, job_id)
        work.commit()
        job = work.jobs.get(job_id) or job
    desk.put(job)
    return job


def get_probe(job_id: UUID, number: int, *, caller: Caller, uow: UnitOfWorkFactory) -> bytes:
    """Return a photograph that an ended recognition has kept, counted from 0.

    Raises: NotFoundError: there is none, as a rule because its collection keeps no probes.
    """
    with uow() as work:
        job = require_visible_job(work.jobs.get(job_id), caller)
        image = work.jobs.probe(job.id, number) if number < job.progress.total else None
        if image is None:
            raise NotFoundError("The job has kept no such photograph.")
        work.audit.record(Action.READ_PROBE, job.id)
        work.commit()
    return image


def delete_job(job_id: UUID, *, caller: Caller, uow: UnitOfWorkFactory) -> None:
    """Remove an ended job with its result and images.

    Raises: NotFoundError. ConflictError: the job has not ended.
    """
    with uow() as work:
        job = require_visible_job(work.jobs.get(job_id), caller)
        if not job.state.is_terminal:
            raise ConflictError(f"The job is {job.state}. Cancel it first.")
        work.jobs.delete(job_id)
        work.audit.record(Action.DELETE_JOB, job_id)
        work.commit()
