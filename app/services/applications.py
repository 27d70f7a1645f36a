"""Make, find and remove applications and their services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from app.domain.access import hash_secret
from app.domain.application import Service, ServiceType
from app.domain.collection import Collection
from app.domain.errors import NotFoundError
from app.domain.quality import QualityGate
from app.services.identity import new_id

if TYPE_CHECKING:
    from app.domain.application import Application
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class NewService:
    """What a new service is to be."""

    application: str
    name: str
    type: ServiceType
    #: The embedding model of a recognition service's collection.
    model: str
    #: A key that clients hold already; drawn when absent.
    key: UUID | None = None


def create_service(
    wanted: NewService, *, uow: UnitOfWorkFactory, clock: Clock
) -> tuple[Service, UUID]:
    """Store a service, and the application unless there is one of that name.

    A recognition service gets a collection of its own, named after its id. Returns the service with
    its key, which cannot be had again.
    Raises: ConflictError: the application has a service of that name, or the key is in use.
    """
    key = wanted.key or uuid4()
    service_id, now = new_id(), clock.now()
    collection_id = new_id() if wanted.type is ServiceType.RECOGNITION else None
    with uow() as work:
        application = work.applications.ensure(wanted.application)
        if collection_id is not None:
            work.collections.add(
                Collection(
                    id=collection_id,
                    name=f"service {service_id}",
                    model=wanted.model,
                    # Clients that know of no quality expect a face that is found to be enrolled.
                    quality_gate=QualityGate.OFF,
                    created_at=now,
                )
            )
        service = Service(
            id=service_id,
            tenant_id=application.tenant_id,
            application_id=application.id,
            name=wanted.name,
            type=wanted.type,
            key_hash=hash_key(key),
            collection_id=collection_id,
            created_at=now,
        )
        work.services.add(service)
        work.commit()
    return service, key


def find_service(key: UUID, wanted: ServiceType, *, uow: UnitOfWorkFactory) -> Service:
    """Return the service with that key. Raises: NotFoundError: there is none of that type."""
    with uow() as work:
        service = work.services.find(hash_key(key))
    if service is None or service.type is not wanted:
        raise NotFoundError("there is no service of this type with this key")
    return service


def list_services(*, uow: UnitOfWorkFactory) -> list[tuple[Application, list[Service]]]:
    """Return every application with its services, oldest first."""
    with uow() as work:
        return [(one, work.services.page(one.id)) for one in work.applications.all()]


def models_of_services(*, uow: UnitOfWorkFactory) -> set[str]:
    """Return the ids of the models that the collections of services were made with."""
    with uow() as work:
        homes = [
            work.collections.get(service.collection_id)
            for application in work.applications.all()
            for service in work.services.page(application.id)
            if service.collection_id is not None
        ]
    return {home.model for home in homes if home is not None}


def delete_service(service_id: UUID, *, uow: UnitOfWorkFactory) -> None:
    """Remove a service with its subjects, faces, photographs and jobs. Raises: NotFoundError."""
    with uow() as work:
        service = work.services.get(service_id)
        if service is None:
            raise NotFoundError("there is no such service")
        _erase(work, service)
        work.commit()


def delete_application(application_id: UUID, *, uow: UnitOfWorkFactory) -> None:
    """Remove an application with all its services. Raises: NotFoundError."""
    with uow() as work:
        if work.applications.get(application_id) is None:
            raise NotFoundError("there is no such application")
        for service in work.services.page(application_id):
            _erase(work, service)
        work.applications.delete(application_id)
        work.commit()


def hash_key(key: UUID) -> bytes:
    """Return the digest by which the key of a service is found."""
    return hash_secret(str(key))


def _erase(work: UnitOfWork, service: Service) -> None:
    work.services.delete(service.id)
    work.jobs.delete_owned(service.id)
    if service.collection_id is not None:
        work.collections.delete(service.collection_id)
