"""Find what was lost on the way, and start it again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.errors import AttemptsExhaustedError
from app.services.deliver import enqueue_events
from app.services.problems import problem

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.job import Job
    from app.services.ports import Clock, JobQueue, UnitOfWork, UnitOfWorkFactory

_LOG = logging.getLogger(__name__)

#: Rows that one sweep looks at, of each kind; the next sweep is never far.
_AT_ONCE = 500

#: The longest wait between two messages for a job that stays queued.
_LONGEST_WAIT = timedelta(minutes=1)

#: For how long a repeated Idempotency-Key is recognised.
IDEMPOTENCY_KEY_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRules:
    """When something counts as lost."""

    republish_after: timedelta
    max_losses: int
    max_attempts: int
    retention: timedelta


def sweep(rules: SweepRules, *, uow: UnitOfWorkFactory, queue: JobQueue, clock: Clock) -> None:
    """Do one round: lapsed leases, lost messages, due deliveries, things past their time.

    Any number of sweeps may run at once: each row is taken by one of them.
    """
    now = clock.now()
    with uow() as work:
        _, spent = work.jobs.expire_leases(
            publish_at=now,
            max_losses=rules.max_losses,
            max_attempts=rules.max_attempts,
            limit=_AT_ONCE,
        )
        for job in spent:
            bury(work, job, retention=rules.retention, clock=clock)
        waiting = work.jobs.overdue(
            now=now,
            first_wait=rules.republish_after,
            longest_wait=_LONGEST_WAIT,
            limit=_AT_ONCE,
        )
        due = work.deliveries.due(now=now, limit=_AT_ONCE)
        work.jobs.delete_expired(now=now, limit=_AT_ONCE)
        if expired := work.faces.delete_expired(now=now, limit=_AT_ONCE):
            work.audit.record(Action.EXPIRE_FACES, faces=expired)
        work.idempotency.delete_before(now - IDEMPOTENCY_KEY_LIFE)
        work.commit()
    _put(waiting, due, queue)


def give_back(
    claim: Job,
    rules: SweepRules,
    *,
    fault: BaseException,
    uow: UnitOfWorkFactory,
    clock: Clock,
) -> None:
    """Let a claimed job be tried again after a fault that may pass, or end it as dead.

    The reason names the fault's kind and not its message, which may hold what is nobody's business.
    """
    with uow() as work:
        if claim.tries >= rules.max_attempts:
            bury(work, claim, fault=fault, retention=rules.retention, clock=clock)
        else:
            wait = timedelta(seconds=2**claim.tries)
            work.jobs.release(claim, publish_at=clock.now() + wait)
        work.commit()


def hand_back(claim: Job, *, uow: UnitOfWorkFactory, clock: Clock) -> None:
    """Queue a claimed job at once and excuse the attempt: its worker was told to stop."""
    with uow() as work:
        work.jobs.release(claim, publish_at=clock.now(), excused=True)
        work.commit()


def bury(
    work: UnitOfWork,
    job: Job,
    *,
    retention: timedelta,
    clock: Clock,
    fault: BaseException | None = None,
) -> None:
    """End a job as dead, with the reason and with word to its endpoints.

    Without a fault it is the loss of its process.
    """
    reason = AttemptsExhaustedError(
        f"the job was tried {job.tries} times and lost its process {job.losses} times, and the "
        f"last attempt {_what_happened(fault)}; requeue it, and look at its images if it dies again"
    )
    error = problem(reason, instance=f"/v1/jobs/{job.id}")
    if work.jobs.bury(job, error=error, expires_at=clock.now() + retention):
        _LOG.error("job given up", extra={"action": "job_dead", "job_id": str(job.id)})
        dead = work.jobs.get(job.id)
        if dead is not None:
            enqueue_events(work, [dead])


def _what_happened(fault: BaseException | None) -> str:
    match fault:
        case None:
            return "lost its process"
        case TimeoutError():
            return "took too long"
        case MemoryError():
            return "needed too much memory"
        case _:
            return f"failed with {type(fault).__name__}"


def _put(waiting: list[Job], due: list[UUID], queue: JobQueue) -> None:
    for job in waiting:
        if not queue.put_job(job.id, job.type, lane=job.lane):
            return
    for delivery_id in due:
        if not queue.put_delivery(delivery_id):
            return
