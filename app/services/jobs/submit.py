"""Accept a job: store it, commit, then tell the workers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.errors import IdempotencyMismatchError, QueueFullError, TooMuchWaitingError
from app.domain.identity import new_id
from app.domain.job import Job, JobState, Progress
from app.domain.job_parameters import EnrolmentParameters
from app.services.people.consent_rules import require_early

if TYPE_CHECKING:
    from app.domain.backlog import Quota
    from app.domain.job_request import JobRequest
    from app.services.jobs.admission import Admission
    from app.services.ports import Clock, JobQueue, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class Submission:
    """The stored job, and whether an earlier request with the same key had made it."""

    job: Job
    replayed: bool
    #: What the tenant may have waiting; none where nothing was added to it.
    quota: Quota | None = None


def submit_job(
    request: JobRequest,
    *,
    route: str,
    idempotency_key: str | None,
    republish_after: timedelta,
    admission: Admission,
    uow: UnitOfWorkFactory,
    queue: JobQueue,
    clock: Clock,
) -> Submission:
    """Store a job durably and put its message.

    The job is safe once this returns, also when the broker is down: the sweep puts messages that
    are missing. With an idempotency key, a repetition returns the first job and stores nothing,
    also where no other job is admitted.
    Raises: IdempotencyMismatchError: the key was used for another request. NotFoundError: the
    collection was deleted meanwhile. ConsentRequiredError: faces would be enrolled without one.
    TooMuchWaitingError, QueueFullError: see ``admission``.
    """
    now = clock.now()
    job = Job(
        id=new_id(),
        parameters=request.parameters,
        state=JobState.QUEUED,
        owner_id=request.owner_id,
        collection_id=request.collection_id,
        lane=request.lane,
        progress=Progress(total=len(request.images)),
        created_at=now,
    )
    with uow() as work:
        try:
            with admission.enter(job, work=work, clock=clock) as entry:
                turn = work.jobs.add(
                    job,
                    images=request.images,
                    publish_at=now + republish_after,
                    earliest=entry.place.earliest,
                    behind=entry.place.behind,
                )
                if idempotency_key is not None:
                    earlier = _remember(request, job, route=route, key=idempotency_key, work=work)
                    if earlier is not None:
                        return Submission(earlier, replayed=True)
                if isinstance(request.parameters, EnrolmentParameters):
                    require_early(work, request.collection_id, request.parameters, now=now)
                work.commit()
                entry.place.turn = turn
        except (TooMuchWaitingError, QueueFullError):
            earlier = _earlier(request, route=route, key=idempotency_key, work=work)
            if earlier is None:
                raise
            return Submission(earlier, replayed=True)
    queue.put_job(job.id, job.type, lane=job.lane, shared=job.is_shared)
    return Submission(job, replayed=False, quota=entry.quota)


def _remember(
    request: JobRequest, job: Job, *, route: str, key: str, work: UnitOfWork
) -> Job | None:
    """Store the key with the job, or return the job that an earlier request with it has made."""
    fingerprint = request.fingerprint()
    stored, first = work.idempotency.remember(
        owner_id=request.owner_id, route=route, key=key, fingerprint=fingerprint, job_id=job.id
    )
    if stored != fingerprint:
        raise IdempotencyMismatchError
    return None if first == job.id else work.jobs.get(first)


def _earlier(request: JobRequest, *, route: str, key: str | None, work: UnitOfWork) -> Job | None:
    """Return the job that an earlier request with the key has made, or ``None``."""
    known = key and work.idempotency.find(owner_id=request.owner_id, route=route, key=key)
    if not known:
        return None
    fingerprint, job_id = known
    if fingerprint != request.fingerprint():
        raise IdempotencyMismatchError
    return work.jobs.get(job_id)
