"""The one place that commits, and that translates what the driver raises."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from sqlalchemy.exc import DBAPIError

from app.domain.audit import Actor, ActorKind
from app.storage.access.audit import SqlAuditTrail
from app.storage.access.compreface import SqlApplicationRepository, SqlServiceRepository
from app.storage.access.keys import SqlKeyRepository
from app.storage.access.tenants import SqlTenantRepository
from app.storage.database.faults import explained
from app.storage.database.setbacks import SqlSetbackRepository
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

_COMMAND_LINE = Actor(ActorKind.COMMAND_LINE)


class SqlUnitOfWork:
    """One transaction on one connection, for one tenant or, without one, for all.

    Raises: what :func:`app.storage.database.faults.explained` makes of the driver's errors.
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
        self.setbacks = SqlSetbackRepository(self._session)

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
        told = explained(error)
        if told is not None:
            raise told from error

    def commit(self) -> None:
        """Make everything done so far durable."""
        self._session.commit()
