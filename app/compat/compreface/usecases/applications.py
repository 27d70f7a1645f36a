"""Make, find and remove applications and their services."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from app.domain.access import hash_secret
from app.domain.audit import Action
from app.domain.collection import Collection
from app.domain.compreface import Application, Service, ServiceType
from app.domain.errors import InvalidRequestError, NotFoundError
from app.domain.identity import new_id
from app.domain.naming import label
from app.domain.quality import QualityGate
from app.services.people.collections import add_collection, erase_collection

if TYPE_CHECKING:
    from app.domain.caller import Caller
    from app.services.erasure.receipts import Receipts
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
    InvalidRequestError: one of the names cannot be one.
    """
    wanted = replace(wanted, application=_label(wanted.application), name=_label(wanted.name))
    key = wanted.key or uuid4()
    service_id, now = new_id(), clock.now()
    collection_id = new_id() if wanted.type is ServiceType.RECOGNITION else None
    with uow() as work:
        application = _ensure_application(work, wanted.application)
        if collection_id is not None:
            add_collection(
                work,
                Collection(
                    id=collection_id,
                    name=_collection_name(service_id),
                    model=wanted.model,
                    # Clients that know of no quality expect a face that is found to be enrolled.
                    quality_gate=QualityGate.OFF,
                    created_at=now,
                ),
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
        work.audit.record(Action.CREATE_SERVICE, service.id)
        work.commit()
    return service, key


def create_application(
    name: str, *, tenant_id: UUID, uow: UnitOfWorkFactory, clock: Clock
) -> Application:
    """Store an application. Raises: ConflictError: the tenant has one of that name."""
    application = Application(
        id=new_id(), tenant_id=tenant_id, name=_label(name), created_at=clock.now()
    )
    with uow() as work:
        work.applications.add(application)
        work.audit.record(Action.CREATE_APPLICATION, application.id)
        work.commit()
    return application


def rename_application(application_id: UUID, name: str, *, uow: UnitOfWorkFactory) -> Application:
    """Give an application another name.

    Raises: NotFoundError. ConflictError: there is an application of that name.
    """
    with uow() as work:
        renamed = replace(_application(work, application_id), name=_label(name))
        work.applications.rename(application_id, renamed.name)
        work.audit.record(Action.RENAME_APPLICATION, application_id)
        work.commit()
    return renamed


def get_application(application_id: UUID, *, uow: UnitOfWorkFactory) -> Application:
    """Return an application. Raises: NotFoundError."""
    with uow() as work:
        return _application(work, application_id)


def get_service(service_id: UUID, *, uow: UnitOfWorkFactory) -> Service:
    """Return a service. Raises: NotFoundError."""
    with uow() as work:
        return _service(work, service_id)


def rename_service(service_id: UUID, name: str, *, uow: UnitOfWorkFactory) -> Service:
    """Give a service another name.

    Raises: NotFoundError. ConflictError: the application has a service of that name.
    """
    with uow() as work:
        service = replace(_service(work, service_id), name=_label(name))
        work.services.update(service)
        work.audit.record(Action.RENAME_SERVICE, service_id)
        work.commit()
    return service


def rotate_key(service_id: UUID, *, uow: UnitOfWorkFactory) -> tuple[Service, UUID]:
    """Give a service another key, which cannot be had again; the old one opens nothing any more.

    Raises: NotFoundError.
    """
    key = uuid4()
    with uow() as work:
        service = replace(_service(work, service_id), key_hash=hash_key(key))
        work.services.update(service)
        work.audit.record(Action.ROTATE_SERVICE, service_id)
        work.commit()
    return service, key


def clone_service(
    service_id: UUID, name: str, *, uow: UnitOfWorkFactory, clock: Clock
) -> tuple[Service, UUID]:
    """Store a copy of a service under another name and key, its people and photographs included.

    Trainings, jobs and counted calls are not copied. Returns the copy with its key.
    Raises: NotFoundError. ConflictError: the application has a service of that name.
    """
    key, copy_id, now = uuid4(), new_id(), clock.now()
    with uow() as work:
        service = _service(work, service_id)
        collection = None
        if service.collection_id is not None:
            original = work.collections.get(service.collection_id)
            if original is None:
                raise NotFoundError("The service was deleted meanwhile.")
            collection = replace(
                original,
                id=new_id(),
                name=_collection_name(copy_id),
                second_model=None,
                created_at=now,
            )
            add_collection(work, collection)
            work.collections.copy_people(original.id, collection.id)
        copy = replace(
            service,
            id=copy_id,
            name=_label(name),
            key_hash=hash_key(key),
            collection_id=None if collection is None else collection.id,
            created_at=now,
        )
        work.services.add(copy)
        work.audit.record(Action.CLONE_SERVICE, copy.id, original=str(service_id))
        work.commit()
    return copy, key


def find_service(key: UUID, wanted: ServiceType, *, uow: UnitOfWorkFactory) -> Service:
    """Return the service with that key. Raises: NotFoundError: there is none of that type."""
    with uow() as work:
        service = work.services.find(hash_key(key))
    if service is None or service.type is not wanted:
        raise NotFoundError("There is no service of this type with this key.")
    return service


def list_services(*, uow: UnitOfWorkFactory) -> list[tuple[Application, list[Service]]]:
    """Return every application with its services, oldest first."""
    with uow() as work:
        return [(one, work.services.page(one.id)) for one in work.applications.all()]


def services_of(application_id: UUID, *, uow: UnitOfWorkFactory) -> list[Service]:
    """Return the services of an application, oldest first."""
    with uow() as work:
        return work.services.page(application_id)


def models_of_services(*, uow: UnitOfWorkFactory) -> set[str]:
    """Return the ids of the models that the collections of services were made with."""
    with uow() as work:
        collections = [
            work.collections.get(service.collection_id)
            for application in work.applications.all()
            for service in work.services.page(application.id)
            if service.collection_id is not None
        ]
    return {collection.model for collection in collections if collection is not None}


def delete_service(
    service_id: UUID, *, receipts: Receipts, caller: Caller, uow: UnitOfWorkFactory
) -> None:
    """Remove a service with its subjects, faces, photographs and jobs.

    What its collection held is on a receipt. Raises: NotFoundError, LegalHoldError.
    """
    with uow() as work:
        _erase(work, _service(work, service_id), receipts=receipts, caller=caller)
        work.commit()


def delete_application(
    application_id: UUID, *, receipts: Receipts, caller: Caller, uow: UnitOfWorkFactory
) -> None:
    """Remove an application with all its services, as ``delete_service`` does.

    Raises: NotFoundError, LegalHoldError.
    """
    with uow() as work:
        _application(work, application_id)
        for service in work.services.page(application_id):
            _erase(work, service, receipts=receipts, caller=caller)
        work.applications.delete(application_id)
        work.audit.record(Action.DELETE_APPLICATION, application_id)
        work.commit()


def hash_key(key: UUID) -> bytes:
    """Return the digest by which the key of a service is found."""
    return hash_secret(str(key))


def _label(name: str) -> str:
    try:
        return label(name)
    except ValueError as error:
        raise InvalidRequestError(f"The name cannot be used. {error}") from error


def _collection_name(service_id: UUID) -> str:
    return f"service {service_id}"


def _ensure_application(work: UnitOfWork, name: str) -> Application:
    application, made = work.applications.ensure(name)
    if made:
        work.audit.record(Action.CREATE_APPLICATION, application.id)
    return application


def _application(work: UnitOfWork, application_id: UUID) -> Application:
    application = work.applications.get(application_id)
    if application is None:
        raise NotFoundError("This application does not exist.")
    return application


def _service(work: UnitOfWork, service_id: UUID) -> Service:
    service = work.services.get(service_id)
    if service is None:
        raise NotFoundError("This service does not exist.")
    return service


def _erase(work: UnitOfWork, service: Service, *, receipts: Receipts, caller: Caller) -> None:
    work.services.delete(service.id)
    work.audit.record(Action.DELETE_SERVICE, service.id)
    if service.collection_id is not None:
        erase_collection(work, service.collection_id, receipts=receipts, caller=caller)
    work.jobs.delete_owned(service.id)
