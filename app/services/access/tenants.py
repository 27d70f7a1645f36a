"""Make, find and remove tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.erasure import Erased
from app.domain.errors import (
    ConflictError,
    Fault,
    LegalHoldError,
    NotFoundError,
    ValidationFailedError,
)
from app.domain.identity import new_id
from app.domain.naming import collection_name
from app.domain.tenant import DEFAULT_TENANT_ID, Tenant

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.job import Job
    from app.services.erasure.receipts import Receipts
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory


def create_tenant(name: str, *, uow: UnitOfWorkFactory, clock: Clock) -> Tenant:
    """Store a new tenant.

    Raises: ConflictError: the name is taken. ValidationFailedError: it cannot be a name.
    """
    try:
        name = collection_name(name)
    except ValueError as error:
        raise ValidationFailedError([Fault(detail=str(error), pointer="#/name")]) from error
    tenant = Tenant(id=new_id(), name=name, created_at=clock.now())
    with uow() as work:
        work.tenants.add(tenant)
        work.audit.record(Action.CREATE_TENANT, tenant.id)
        work.commit()
    return tenant


def find_tenant(name: str, *, uow: UnitOfWorkFactory) -> Tenant:
    """Return the tenant of that name. Raises: NotFoundError."""
    with uow() as work:
        return _found(work, name)


def list_tenants(*, uow: UnitOfWorkFactory) -> list[Tenant]:
    """Return every tenant, oldest first."""
    with uow() as work:
        return work.tenants.all()


def delete_tenant(name: str, *, receipts: Receipts, uow: UnitOfWorkFactory) -> Job:
    """Erase a tenant with its keys, people, photographs, jobs and endpoints.

    The receipt is the first tenant's, as the operator is.
    Raises: NotFoundError. ConflictError: it is the one that is always there. LegalHoldError.
    """
    with uow() as work:
        tenant = _found(work, name)
        if tenant.id == DEFAULT_TENANT_ID:
            raise ConflictError(
                "The first tenant cannot be deleted. Delete its collections instead."
            )
        require_no_tenant_hold(work, tenant.id)
        rows = work.erasures.tenant(tenant.id)
        receipt = receipts.leave(
            work, Erased.TENANT, [tenant.id], rows, owner_id=None, tenant_id=DEFAULT_TENANT_ID
        )
        work.audit.record(Action.DELETE_TENANT, tenant.id)
        work.commit()
    return receipt


def require_no_tenant_hold(work: UnitOfWork, tenant_id: UUID) -> None:
    """Refuse to remove a tenant. Raises: LegalHoldError."""
    if work.legal_holds.is_tenant_held(tenant_id):
        raise LegalHoldError(
            "A legal hold forbids the removal. Have an admin of the tenant lift the hold first."
        )


def _found(work: UnitOfWork, name: str) -> Tenant:
    tenant = work.tenants.find(name)
    if tenant is None:
        raise NotFoundError("This tenant does not exist.")
    return tenant
