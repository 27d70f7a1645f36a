"""Find what was lost on the way, and start it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from app.domain.errors import ServiceUnavailableError, WaitedTooLongError
from app.domain.setback import Chore
from app.services.erasure.receipts import erase_expired
from app.services.isolation import apart, each
from app.services.jobs.dead import attempts_exhausted, end_as_dead
from app.services.people.consent_rules import erase_after_consents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.services.erasure.receipts import Receipts
    from app.services.jobs.desk import JobDesk
    from app.services.jobs.outages import Outages
    from app.services.jobs.rules import JobRules

#: Rows that one sweep looks at, of each kind; the next sweep is never far.
_AT_ONCE = 500

#: The longest wait between two messages for a job that stays queued.
_LONGEST_WAIT = timedelta(minutes=1)

#: After an outage of the database, the time in which workers report again which jobs they hold.
_GRACE_S = 5.0

#: For how long a repeated Idempotency-Key is recognised.
IDEMPOTENCY_KEY_LIFE = timedelta(hours=24)


def sweep(desk: JobDesk, receipts: Receipts, *, outages: Outages | None = None) -> None:
    """Do one round: lapsed leases, lost messages, due deliveries, things past their time.

    Any number of sweeps may run at once: each row is taken by one of them. A thing that fails is
    set aside, and so is a chore that fails as a whole; the others are done. With ``outages``, which
    outlive a round, no job counts a lost process for a lease that passed while the database was
    away or full.
    Raises: ServiceUnavailableError: it is so now.
    """
    over_for = None if outages is None else outages.over_for
    this = _Round(desk, receipts, excused_for=over_for)
    chores: dict[Chore, Callable[[], None]] = {
        Chore.WAITS: this.give_up_what_waited,
        Chore.MESSAGES: this.put_lost_messages,
        Chore.DELIVERIES: this.put_due_deliveries,
        Chore.JOBS: this.delete_expired_jobs,
        Chore.IDEMPOTENCY_KEYS: this.forget_keys,
        Chore.CONSENTS: this.erase_after_consents,
        Chore.FACES: this.erase_expired_faces,
    }
    if over_for is None or over_for.total_seconds() > _GRACE_S:
        chores = {Chore.LEASES: this.expire_leases, **chores}
    try:
        for chore, run in chores.items():
            with apart(chore, uow=desk.uow):
                run()
    except ServiceUnavailableError:
        if outages is not None:
            outages.saw_one()
        raise


@dataclass(frozen=True, slots=True)
class _Round:
    """The chores of one sweep. Each finds ids, and then acts on them in transactions of its own."""

    desk: JobDesk
    receipts: Receipts
    excused_for: timedelta | None

    def expire_leases(self) -> None:
        with self.desk.uow() as work:
            lapsed = work.late_jobs.lapsed(limit=_AT_ONCE)
        each(Chore.LEASES, lapsed, self._expire, uow=self.desk.uow)

    def _expire(self, lapsed: Sequence[UUID]) -> None:
        rules, now = self.desk.rules, self.desk.clock.now()
        with self.desk.uow() as work:
            _, spent = work.late_jobs.expire_leases(
                publish_at=now,
                max_losses=rules.max_losses,
                max_attempts=rules.max_attempts,
                excused_for=self.excused_for,
                limit=_AT_ONCE,
                only=lapsed,
            )
            for job in spent:
                end_as_dead(work, job, attempts_exhausted(job), expires_at=now + rules.retention)
            work.commit()

    def give_up_what_waited(self) -> None:
        before = self.desk.clock.now() - self.desk.rules.longest_wait
        with self.desk.uow() as work:
            waited = work.late_jobs.outwaited_ids(before=before, limit=_AT_ONCE)
        each(Chore.WAITS, waited, partial(self._give_up, before), uow=self.desk.uow)

    def _give_up(self, before: datetime, waited: Sequence[UUID]) -> None:
        rules, now = self.desk.rules, self.desk.clock.now()
        with self.desk.uow() as work:
            for job in work.late_jobs.outwaited(before=before, limit=_AT_ONCE, only=waited):
                end_as_dead(work, job, _waited_too_long(rules), expires_at=now + rules.retention)
            work.commit()

    def put_lost_messages(self) -> None:
        now = self.desk.clock.now()
        with self.desk.uow() as work:
            overdue = work.late_jobs.overdue_ids(now=now, limit=_AT_ONCE)
        each(Chore.MESSAGES, overdue, partial(self._put, now), uow=self.desk.uow)

    def _put(self, now: datetime, overdue: Sequence[UUID]) -> None:
        with self.desk.uow() as work:
            waiting = work.late_jobs.overdue(
                now=now,
                first_wait=self.desk.rules.republish_after,
                longest_wait=_LONGEST_WAIT,
                limit=_AT_ONCE,
                only=overdue,
            )
            work.commit()
        for job in waiting:
            if not self.desk.queue.put_job(job.id, job.type, lane=job.lane, shared=job.is_shared):
                return

    def put_due_deliveries(self) -> None:
        with self.desk.uow() as work:
            due = work.deliveries.due(now=self.desk.clock.now(), limit=_AT_ONCE)
        for delivery_id in due:
            if not self.desk.queue.put_delivery(delivery_id):
                return

    def delete_expired_jobs(self) -> None:
        now = self.desk.clock.now()
        with self.desk.uow() as work:
            expired = work.late_jobs.expired(now=now, limit=_AT_ONCE)
        each(Chore.JOBS, expired, partial(self._delete, now), uow=self.desk.uow)

    def _delete(self, now: datetime, expired: Sequence[UUID]) -> None:
        with self.desk.uow() as work:
            work.late_jobs.delete_expired(now=now, limit=_AT_ONCE, only=expired)
            work.commit()

    def forget_keys(self) -> None:
        with self.desk.uow() as work:
            work.idempotency.delete_before(self.desk.clock.now() - IDEMPOTENCY_KEY_LIFE)
            work.setbacks.forget_old()
            work.commit()

    def erase_after_consents(self) -> None:
        erase_after_consents(self.receipts, limit=_AT_ONCE, uow=self.desk.uow)

    def erase_expired_faces(self) -> None:
        erase_expired(self.receipts, limit=_AT_ONCE, uow=self.desk.uow)


def _waited_too_long(rules: JobRules) -> WaitedTooLongError:
    hours = rules.longest_wait / timedelta(hours=1)
    return WaitedTooLongError(
        f"The job waited for {hours:g} hours and was not run. Requeue it if you still need it."
    )
