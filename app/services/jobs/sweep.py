"""Find what was lost on the way, and start it again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.errors import (
    AttemptsExhaustedError,
    ServiceUnavailableError,
    WaitedTooLongError,
)
from app.domain.problem import Problem
from app.services.erasure.receipts import Receipts, erase_expired
from app.services.jobs.outages import Outages
from app.services.people.consent_rules import erase_after_consents
from app.services.webhooks.deliver import enqueue_events

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.errors import VultusError
    from app.domain.job import Job
    from app.services.ports import Clock, JobQueue, UnitOfWork, UnitOfWorkFactory

_LOG = logging.getLogger(__name__)

#: Rows that one sweep looks at, of each kind; the next sweep is never far.
_AT_ONCE = 500

#: The longest wait between two messages for a job that stays queued.
_LONGEST_WAIT = timedelta(minutes=1)

#: After an outage of the database, the time in which whoever holds a job tells so again.
_GRACE_S = 5.0

#: For how long a repeated Idempotency-Key is recognised.
IDEMPOTENCY_KEY_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRules:
    """When something counts as lost."""

    republish_after: timedelta
    max_losses: int
    max_attempts: int
    longest_wait: timedelta
    retention: timedelta
    #: In which the bytes of erased faces are gone.
    erasure_window: timedelta

    def receipts(self, clock: Clock) -> Receipts:
        """Return how receipts are made out."""
        return Receipts(window=self.erasure_window, retention=self.retention, clock=clock)


def sweep(
    rules: SweepRules,
    *,
    uow: UnitOfWorkFactory,
    queue: JobQueue,
    clock: Clock,
    outages: Outages | None = None,
) -> None:
    """Do one round: lapsed leases, lost messages, due deliveries, things past their time.

    Any number of sweeps may run at once: each row is taken by one of them. With ``outages``, which
    outlive a round, no job counts a lost process for a lease that passed while the database was
    away or full.
    Raises: ServiceUnavailableError: it is so now.
    """
    try:
        _sweep(rules, uow=uow, queue=queue, clock=clock, outages=outages or Outages())
    except ServiceUnavailableError:
        if outages is not None:
            outages.saw_one()
        raise


def _sweep(
    rules: SweepRules,
    *,
    uow: UnitOfWorkFactory,
    queue: JobQueue,
    clock: Clock,
    outages: Outages,
) -> None:
    now = clock.now()
    over_for = outages.over_for
    with uow() as work:
        if over_for is None or over_for.total_seconds() > _GRACE_S:
            _expire_leases(work, rules, clock=clock, excused_for=over_for)
        for job in work.late_jobs.outwaited(before=now - rules.longest_wait, limit=_AT_ONCE):
            _give_up(work, job, _waited_too_long(rules), retention=rules.retention, clock=clock)
        waiting = work.late_jobs.overdue(
            now=now,
            first_wait=rules.republish_after,
            longest_wait=_LONGEST_WAIT,
            limit=_AT_ONCE,
        )
        due = work.deliveries.due(now=now, limit=_AT_ONCE)
        work.late_jobs.delete_expired(now=now, limit=_AT_ONCE)
        work.idempotency.delete_before(now - IDEMPOTENCY_KEY_LIFE)
        work.commit()
    _put(waiting, due, queue)
    erase_after_consents(limit=_AT_ONCE, uow=uow, clock=clock)
    erase_expired(rules.receipts(clock), limit=_AT_ONCE, uow=uow)


def _expire_leases(
    work: UnitOfWork, rules: SweepRules, *, clock: Clock, excused_for: timedelta | None
) -> None:
    _, spent = work.late_jobs.expire_leases(
        publish_at=clock.now(),
        max_losses=rules.max_losses,
        max_attempts=rules.max_attempts,
        excused_for=excused_for,
        limit=_AT_ONCE,
    )
    for job in spent:
        bury(work, job, retention=rules.retention, clock=clock)


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
    _give_up(work, job, reason, retention=retention, clock=clock)


def _give_up(
    work: UnitOfWork, job: Job, reason: VultusError, *, retention: timedelta, clock: Clock
) -> None:
    error = Problem.of(reason, instance=f"/v1/jobs/{job.id}")
    if work.jobs.bury(job, error=error, expires_at=clock.now() + retention):
        _LOG.error("job given up", extra={"action": "job_dead", "job_id": str(job.id)})
        dead = work.jobs.get(job.id)
        if dead is not None:
            enqueue_events(work, [dead])


def _waited_too_long(rules: SweepRules) -> WaitedTooLongError:
    hours = rules.longest_wait / timedelta(hours=1)
    return WaitedTooLongError(
        f"the job waited for {hours:g} hours and was not run; requeue it if it is still wanted"
    )


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
        if not queue.put_job(job.id, job.type, lane=job.lane, shared=job.is_shared):
            return
    for delivery_id in due:
        if not queue.put_delivery(delivery_id):
            return
