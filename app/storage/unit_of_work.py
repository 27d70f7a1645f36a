"""The one place that commits, and that translates what the driver raises."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.domain.errors import InsufficientStorageError, ServiceUnavailableError
from app.storage.applications import SqlApplicationRepository, SqlServiceRepository
from app.storage.collections import SqlCollectionRepository
from app.storage.deliveries import SqlDeliveryRepository
from app.storage.endpoints import SqlEndpointRepository
from app.storage.faces import SqlFaceRepository
from app.storage.idempotency import SqlIdempotencyRepository
from app.storage.jobs import SqlJobRepository
from app.storage.keys import SqlKeyRepository
from app.storage.searches import SqlSearchRepository
from app.storage.subjects import SqlSubjectRepository
from app.storage.tenancy import TenantSession
from app.storage.tenants import SqlTenantRepository
from app.storage.trainings import SqlTrainingRepository

if TYPE_CHECKING:
    from types import TracebackType
    from uuid import UUID

    from sqlalchemy import Engine

_LOG = logging.getLogger(__name__)

_RETRY_AFTER_S = 2

#: disk_full. Its neighbours are about memory and about limits of one session: both pass by.
_NO_ROOM = "53100"
#: read_only_sql_transaction: a server that follows another, or whose host stopped writes.
_READ_ONLY = "25006"


class SqlUnitOfWork:
    """One transaction on one connection, for one tenant or, without one, for all.

    Raises: ServiceUnavailableError: Postgres is not reachable, restarts, has no connection left, or
        takes no rows. InsufficientStorageError: it takes none because its disk is full.
    """

    def __init__(self, engine: Engine, tenant_id: UUID | None = None) -> None:
        self._session = TenantSession(engine, tenant_id)
        self.tenants = SqlTenantRepository(self._session)
        self.jobs = SqlJobRepository(self._session)
        self.collections = SqlCollectionRepository(self._session)
        self.subjects = SqlSubjectRepository(self._session)
        self.faces = SqlFaceRepository(self._session)
        self.searches = SqlSearchRepository(self._session)
        self.trainings = SqlTrainingRepository(self._session)
        self.keys = SqlKeyRepository(self._session)
        self.applications = SqlApplicationRepository(self._session)
        self.services = SqlServiceRepository(self._session)
        self.endpoints = SqlEndpointRepository(self._session)
        self.deliveries = SqlDeliveryRepository(self._session)
        self.idempotency = SqlIdempotencyRepository(self._session)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._session.close()
        except DBAPIError as late:
            # The rollback of a lost connection fails. What was read or committed before stands.
            self._session.invalidate()
            _LOG.warning("a connection was lost at its end: %s", type(late).__name__)
        passing = _passing(error)
        if passing is not None:
            raise passing from error

    def commit(self) -> None:
        """Make everything done so far durable."""
        self._session.commit()


def _passing(error: BaseException | None) -> ServiceUnavailableError | None:
    """Return how a fault of the database is told that goes by without a change of the request."""
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    if state == _NO_ROOM:
        return InsufficientStorageError()
    if state == _READ_ONLY:
        detail = "the database takes no rows at present; send the request again after a short while"
    elif isinstance(error, OperationalError | InterfaceError | PoolTimeoutError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        detail = "the database is not reachable; send the request again after a short while"
    else:
        return None
    return ServiceUnavailableError(detail, retry_after_s=_RETRY_AFTER_S)
