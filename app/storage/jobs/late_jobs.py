"""Jobs that something should have happened to by now, for the sweep to see to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, case, delete, func, literal, select, update

from app.domain.job import Job, JobState, JobType
from app.domain.setback import Chore
from app.storage.database.setbacks import not_aside
from app.storage.jobs.repository import NO_LEASE, job_of
from app.storage.jobs.statements import JOB_COLUMNS
from app.storage.tables import JobRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Select

    from app.storage.database.tenancy import TenantSession


class SqlLateJobRepository:
    """See :class:`app.services.ports.LateJobRepository`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session

    def lapsed(self, *, limit: int) -> list[UUID]:
        return self._ids(_lapsed(), Chore.LEASES, limit)

    def overdue_ids(self, *, now: datetime, limit: int) -> list[UUID]:
        return self._ids(_overdue(now), Chore.MESSAGES, limit)

    def outwaited_ids(self, *, before: datetime, limit: int) -> list[UUID]:
        return self._ids(_outwaited(before), Chore.WAITS, limit)

    def expired(self, *, now: datetime, limit: int) -> list[UUID]:
        return self._ids(select(JobRow.id).where(JobRow.expires_at <= now), Chore.JOBS, limit)

    def _ids(self, late: Select[UUID], chore: Chore, limit: int) -> list[UUID]:
        return list(self._session.scalars(late.where(not_aside(chore, JobRow.id)).limit(limit)))

    def expire_leases(
        self,
        *,
        publish_at: datetime,
        max_losses: int,
        max_attempts: int,
        limit: int,
        excused_for: timedelta | None = None,
        only: Sequence[UUID] | None = None,
    ) -> tuple[list[UUID], list[Job]]:
        excused: ColumnElement[int] = literal(0)
        if excused_for is not None:
            passed = JobRow.lease_until < func.now() - literal(excused_for, Interval())
            excused = case((passed, 1), else_=0)
        lapsed = _among(_lapsed(), only).limit(limit).with_for_update(skip_locked=True)
        rows = self._session.execute(
            update(JobRow)
            .where(JobRow.id.in_(lapsed.scalar_subquery()))
            .values(losses=JobRow.losses + 1 - excused, excused=JobRow.excused + excused)
            .returning(*JOB_COLUMNS)
        ).all()
        jobs = [job_of(row) for row in rows]
        spent = [job for job in jobs if job.losses >= max_losses or job.tries >= max_attempts]
        again = [job.id for job in jobs if job not in spent]
        if again:
            self._session.execute(
                update(JobRow)
                .where(JobRow.id.in_(again))
                .values(state=JobState.QUEUED, publish_at=publish_at, **NO_LEASE)
            )
        return again, spent

    def overdue(
        self,
        *,
        now: datetime,
        first_wait: timedelta,
        longest_wait: timedelta,
        limit: int,
        only: Sequence[UUID] | None = None,
    ) -> list[Job]:
        late = _among(_overdue(now), only).limit(limit).with_for_update(skip_locked=True)
        seconds = func.least(
            longest_wait.total_seconds(),
            first_wait.total_seconds() * func.power(2, JobRow.publishes),
        )
        wait = func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        rows = self._session.execute(
            update(JobRow)
            .where(JobRow.id.in_(late.scalar_subquery()))
            .values(publish_at=literal(now) + wait, publishes=JobRow.publishes + 1)
            .returning(*JOB_COLUMNS)
        )
        return sorted((job_of(row) for row in rows), key=lambda job: job.id)

    def outwaited(
        self, *, before: datetime, limit: int, only: Sequence[UUID] | None = None
    ) -> list[Job]:
        query = _among(_outwaited(before), only).with_only_columns(*JOB_COLUMNS).limit(limit)
        rows = self._session.execute(query.with_for_update(skip_locked=True))
        return [job_of(row) for row in rows]

    def delete_expired(
        self, *, now: datetime, limit: int, only: Sequence[UUID] | None = None
    ) -> int:
        expired = _among(select(JobRow.id).where(JobRow.expires_at <= now), only).limit(limit)
        rows = self._session.execute(
            delete(JobRow).where(JobRow.id.in_(expired.scalar_subquery())).returning(JobRow.id)
        )
        return len(rows.all())


def _lapsed() -> Select[UUID]:
    late = select(JobRow.id).where(
        JobRow.state == JobState.RUNNING, JobRow.lease_until < func.now()
    )
    return late.order_by(JobRow.lease_until)


def _overdue(now: datetime) -> Select[UUID]:
    late = select(JobRow.id).where(JobRow.state == JobState.QUEUED, JobRow.publish_at <= now)
    return late.order_by(JobRow.publish_at)


def _outwaited(before: datetime) -> Select[UUID]:
    since = func.coalesce(JobRow.requeued_at, JobRow.created_at)
    late = select(JobRow.id).where(
        JobRow.state == JobState.QUEUED,
        JobRow.created_at < before,  # the index's
        since < before,
        JobRow.type != JobType.REEMBEDDING,  # queued between its steps, or paused by its owner
    )
    return late.order_by(JobRow.created_at)


def _among(late: Select[UUID], only: Sequence[UUID] | None) -> Select[UUID]:
    return late if only is None else late.where(JobRow.id.in_(only))
