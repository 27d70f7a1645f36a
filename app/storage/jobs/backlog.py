"""What waits, as far as a tenant may know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, text

from app.domain.backlog import Backlog
from app.domain.job import JobState, JobType
from app.storage.tables import JobRow

if TYPE_CHECKING:
    from app.domain.backlog import Lane
    from app.storage.database.tenancy import TenantSession

#: Other tenants' rows are counted past the policies, and no more than counted.
_IN_ALL = text("SELECT images, oldest FROM waiting_in_all(:lane)")


def _backlog(row: Any) -> Backlog:  # noqa: ANN401
    return Backlog(images=int(row.images), oldest_at=row.oldest)


class SqlBacklogRepository:
    """See :class:`app.services.ports.BacklogRepository`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session

    def of_tenant(self, lane: Lane) -> Backlog:
        images = func.coalesce(func.sum(func.greatest(JobRow.total, 1)), 0)
        query = select(images.label("images"), func.min(JobRow.created_at).label("oldest")).where(
            JobRow.state == JobState.QUEUED,
            JobRow.lane == bindparam("lane"),
            JobRow.type != JobType.REEMBEDDING,
            self._session.owned(JobRow),
        )
        return _backlog(self._session.execute(query, {"lane": lane}).one())

    def in_all(self, lane: Lane) -> Backlog:
        return _backlog(self._session.execute(_IN_ALL, {"lane": lane}).one())
