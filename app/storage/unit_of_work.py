"""The one place that commits, and that translates what the driver raises."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.domain.audit import Actor, ActorKind
from app.domain.errors import (
    ConsentRequiredError,
    InsufficientStorageError,
    LegalHoldError,
    ServiceUnavailableError,
    VultusError,
)
from app.storage.access.audit import SqlAuditTrail
from app.storage.access.compreface import SqlApplicationRepository, SqlServiceRepository
from app.storage.access.keys import SqlKeyRepository
from app.storage.access.tenants import SqlTenantRepository
from app.storage.database.tenancy import TenantSession
from app.storage.erasure.repository import SqlErasureRepository
from app.storage.jobs.backlog import SqlBacklogRepository
from app.storage.jobs.idempotency import SqlIdempotencyRepository
from app.storage.jobs.late_jobs import SqlLateJobRepository
from app.storage.jobs.repository import SqlJobRepository
from app.storage.models.reembeddings import SqlReembeddingRepository
from app.storage.models.trainings import SqlTrainingRepository
from app.storage.people.collections import SqlCollectionRepository
from app.storage.people.consents import SqlConsentRepository
from app.storage.people.faces import SqlFaceRepository
from app.storage.people.legal_holds import SqlLegalHoldRepository
from app.storage.people.search_basis import SqlSearchRepository
from app.storage.people.subjects import SqlSubjectRepository
from app.storage.webhooks.deliveries import SqlDeliveryRepository
from app.storage.webhooks.endpoints import SqlEndpointRepository

if TYPE_CHECKING:
    from types import TracebackType
    from uuid import UUID

    from sqlalchemy import Engine

_LOG = logging.getLogger(__name__)

_RETRY_AFTER_S = 2

#: What the database refuses by itself, by the name of the constraint.
_REFUSALS: dict[str | None, type[VultusError]] = {
    "consent": ConsentRequiredError,
    "legal_hold": LegalHoldError,
    "fk_legal_holds_collection_id": LegalHoldError,
    "fk_legal_holds_subject_id": LegalHoldError,
}
_COMMAND_LINE = Actor(ActorKind.COMMAND_LINE)

#: disk_full. Its neighbours are about memory and about limits of one session: both pass by.
_NO_ROOM = "53100"
#: read_only_sql_transaction: a server that follows another, or whose host stopped writes.
_READ_ONLY = "25006"


class SqlUnitOfWork:
    """One transaction on one connection, for one tenant or, without one, for all.

    Raises: ServiceUnavailableError: Postgres is not reachable, restarts, has no connection left, or
        takes no rows. InsufficientStorageError: it takes none because its disk is full.
        ConsentRequiredError, LegalHoldError: it refused what the services had let through.
    """

    def __init__(
        self, engine: Engine, tenant_id: UUID | None = None, *, actor: Actor | None = None
    ) -> None:
        self._session = TenantSession(engine, tenant_id, actor or _COMMAND_LINE)
        self.tenants = SqlTenantRepository(self._session)
        self.jobs = SqlJobRepository(self._session)
        self.late_jobs = SqlLateJobRepository(self._session)
        self.backlog = SqlBacklogRepository(self._session)
        self.collections = SqlCollectionRepository(self._session)
        self.subjects = SqlSubjectRepository(self._session)
        self.faces = SqlFaceRepository(self._session)
        self.consents = SqlConsentRepository(self._session)
        self.legal_holds = SqlLegalHoldRepository(self._session)
        self.searches = SqlSearchRepository(self._session)
        self.trainings = SqlTrainingRepository(self._session)
        self.reembeddings = SqlReembeddingRepository(self._session)
        self.keys = SqlKeyRepository(self._session)
        self.applications = SqlApplicationRepository(self._session)
        self.services = SqlServiceRepository(self._session)
        self.endpoints = SqlEndpointRepository(self._session)
        self.deliveries = SqlDeliveryRepository(self._session)
        self.erasures = SqlErasureRepository(self._session)
        self.audit = SqlAuditTrail(self._session)
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
        told = _passing(error) or _refusal(error)
        if told is not None:
            raise told from error

    def commit(self) -> None:
        """Make everything done so far durable."""
        self._session.commit()


def _refusal(error: BaseException | None) -> VultusError | None:
    """Return what the database meant by an error, if it is one of its walls."""
    if not isinstance(error, IntegrityError):
        return None
    diagnosis = getattr(error.orig, "diag", None)
    refused = _REFUSALS.get(getattr(diagnosis, "constraint_name", None))
    return None if refused is None else refused()


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
