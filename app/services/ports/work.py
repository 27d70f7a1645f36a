"""One transaction over all repositories, and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType
    from uuid import UUID

    from app.domain.audit import Actor
    from app.domain.pulse import Part
    from app.services.ports.access import KeyRepository, TenantRepository
    from app.services.ports.audit import AuditTrail
    from app.services.ports.compreface import ApplicationRepository, ServiceRepository
    from app.services.ports.erasure import ErasureRepository
    from app.services.ports.jobs import (
        BacklogRepository,
        IdempotencyRepository,
        JobRepository,
        LateJobRepository,
    )
    from app.services.ports.matching import (
        ReembeddingRepository,
        SearchRepository,
        TrainingRepository,
    )
    from app.services.ports.people import (
        CollectionRepository,
        ConsentRepository,
        FaceRepository,
        LegalHoldRepository,
        SubjectRepository,
    )
    from app.services.ports.setbacks import SetbackRepository
    from app.services.ports.webhooks import DeliveryRepository, EndpointRepository


class UnitOfWork(Protocol):
    """One transaction over all repositories; leaving it without a commit rolls back."""

    @property
    def tenants(self) -> TenantRepository: ...

    @property
    def jobs(self) -> JobRepository: ...

    @property
    def late_jobs(self) -> LateJobRepository: ...

    @property
    def backlog(self) -> BacklogRepository: ...

    @property
    def collections(self) -> CollectionRepository: ...

    @property
    def subjects(self) -> SubjectRepository: ...

    @property
    def faces(self) -> FaceRepository: ...

    @property
    def consents(self) -> ConsentRepository: ...

    @property
    def legal_holds(self) -> LegalHoldRepository: ...

    @property
    def trainings(self) -> TrainingRepository: ...

    @property
    def searches(self) -> SearchRepository: ...

    @property
    def reembeddings(self) -> ReembeddingRepository: ...

    @property
    def keys(self) -> KeyRepository: ...

    @property
    def applications(self) -> ApplicationRepository: ...

    @property
    def services(self) -> ServiceRepository: ...

    @property
    def endpoints(self) -> EndpointRepository: ...

    @property
    def deliveries(self) -> DeliveryRepository: ...

    @property
    def erasures(self) -> ErasureRepository: ...

    @property
    def idempotency(self) -> IdempotencyRepository: ...

    @property
    def setbacks(self) -> SetbackRepository: ...

    @property
    def audit(self) -> AuditTrail: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def commit(self) -> None:
        """Make everything done so far durable."""


UnitOfWorkFactory: TypeAlias = "Callable[[], UnitOfWork]"


class TenantUnitOfWorkFactory(Protocol):
    """Begins a unit of work for one tenant, or for whatever the process may see."""

    def __call__(
        self, tenant_id: UUID | None = None, /, *, actor: Actor | None = None
    ) -> UnitOfWork:
        """Return a unit of work that sees and makes rows of that tenant alone.

        Without a tenant a web process sees nothing but the key that it looks up, and a worker sees
        every tenant's rows. Its audit records name the actor, by default the process.
        """


class Pulses(Protocol):
    """Where the parts of the service leave signs of life."""

    def leave(self, part: Part) -> None:
        """Note that the part works now; calls within one interval of the last are free.

        Where it cannot be stored, nothing happens: the caller has other work to do.
        """


class Clock(Protocol):
    """Gives the time, so that tests can set it."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
