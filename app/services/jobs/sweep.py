"""Find what was lost on the way, and start it again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.errors import ServiceUnavailableError, WaitedTooLongError
from app.services.erasure.receipts import erase_expired
from app.services.jobs.dead import attempts_exhausted, end_as_dead
from app.services.jobs.outages import Outages
from app.services.people.consent_rules import erase_after_consents

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.job import Job
    from app.services.erasure.receipts import Receipts
    from app.services.jobs.desk import JobDesk
    from app.services.jobs.rules import JobRules
    from app.services.ports import JobQueue, UnitOfWork

#: Rows that one sweep looks at, of each kind; the next sweep is never far.
_AT_ONCE = 500

#: The longest wait between two messages for a job that stays queued.
_LONGEST_WAIT = timedelta(minutes=1)

#: After an outage of the database, the time in which whoever holds a job tells so again.
_GRACE_S = 5.0

#: For how long a repeated Idempotency-Key is recognised.
IDEMPOTENCY_KEY_LIFE = timedelta(hours=24)


def sweep(desk: JobDesk, receipts: Receipts, *, outages: Outages | None = None) -> None:
    """Do one round: lapsed leases, lost messages, due deliveries, things past their time.

    Any number of sweeps may run at once: each row is taken by one of them. With ``outages``, which
    outlive a round, no job counts a lost process for a lease that passed while the database was
    away or full.
    Raises: ServiceUnavailableError: it is so now.
    """
    try:
        _sweep(desk, receipts, outages or Outages())
    except ServiceUnavailableError:
        if outages is not None:
            outages.saw_one()
        raise


def _sweep(desk: JobDesk, receipts: Receipts, outages: Outages) -> None:
    rules, now = desk.rules, desk.clock.now()
    over_for = outages.over_for
    with desk.uow() as work:
        if over_for is None or over_for.total_seconds() > _GRACE_S:
            _expire_leases(work, rules, now=now, excused_for=over_for)
        for job in work.late_jobs.outwaited(before=now - rules.longest_wait, limit=_AT_ONCE):
            end_as_dead(work, job, _waited_too_long(rules), expires_at=now + rules.retention)
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
    _put(waiting, due, desk.queue)
    erase_after_consents(receipts, limit=_AT_ONCE, uow=desk.uow)
    erase_expired(receipts, limit=_AT_ONCE, uow=desk.uow)


def _expire_leases(
    work: UnitOfWork, rules: JobRules, *, now: datetime, excused_for: timedelta | None
) -> None:
    _, spent = work.late_jobs.expire_leases(
        publish_at=now,
        max_losses=rules.max_losses,
        max_attempts=rules.max_attempts,
        excused_for=excused_for,
        limit=_AT_ONCE,
    )
    for job in spent:
        end_as_dead(work, job, attempts_exhausted(job), expires_at=now + rules.retention)


def _waited_too_long(rules: JobRules) -> WaitedTooLongError:
    hours = rules.longest_wait / timedelta(hours=1)
    return WaitedTooLongError(
        f"the job waited for {hours:g} hours and was not run; requeue it if it is still wanted"
    )


def _put(waiting: list[Job], due: list[UUID], queue: JobQueue) -> None:
    for job in waiting:
        if not queue.put_job(job.id, job.type, lane=job.lane, shared=job.is_shared):
            return
    for delivery_id in due:
        if not queue.put_delivery(delivery_id):
            return
