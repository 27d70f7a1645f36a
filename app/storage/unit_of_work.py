"""The one place that commits, and that translates what the driver raises."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.domain.errors import (
    ConsentRequiredError,
    LegalHoldError,
    ServiceUnavailableError,
    VultusError,
)
from app.storage.applications import SqlApplicationRepository, SqlServiceRepository
from app.storage.backlog import SqlBacklogRepository
from app.storage.collections import SqlCollectionRepository
from app.storage.consents import SqlConsentRepository
from app.storage.deliveries import SqlDeliveryRepository
from app.storage.endpoints import SqlEndpointRepository
from app.storage.faces import SqlFaceRepository
from app.storage.idempotency import SqlIdempotencyRepository
from app.storage.jobs import SqlJobRepository
from app.storage.keys import SqlKeyRepository
from app.storage.legal_holds import SqlLegalHoldRepository
from app.storage.reembeddings import SqlReembeddingRepository
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

#: What the database refuses by itself, by the name of the constraint.
_REFUSALS: dict[str | None, type[VultusError]] = {
    "consent": ConsentRequiredError,
    "legal_hold": LegalHoldError,
    "fk_legal_holds_collection_id": LegalHoldError,
    "fk_legal_holds_subject_id": LegalHoldError,
}


class SqlUnitOfWork:
    """One transaction on one connection, for one tenant or, without one, for all.

    Raises: ServiceUnavailableError: Postgres is not reachable, restarts, or has no connection left.
    ConsentRequiredError, LegalHoldError: the database refused what the services had let through.
    """

    def __init__(self, engine: Engine, tenant_id: UUID | None = None) -> None:
        self._session = TenantSession(engine, tenant_id)
        self.tenants = SqlTenantRepository(self._session)
        self.jobs = SqlJobRepository(self._session)
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
        lost = isinstance(error, OperationalError | InterfaceError | PoolTimeoutError) or (
            isinstance(error, DBAPIError) and error.connection_invalidated
        )
        if lost:
            raise ServiceUnavailableError(
                "the database is not reachable; send the request again after a short while",
                retry_after_s=_RETRY_AFTER_S,
            ) from error
        refusal = _refusal(error)
        if refusal is not None:
            raise refusal from error

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
