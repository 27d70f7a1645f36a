from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from app.domain.errors import ConflictError
from app.domain.tenant import Tenant
from app.storage.tables import IdempotencyKeyRow, ImageRow, JobRow, TenantRow

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session


def _tenant(row: TenantRow) -> Tenant:
    return Tenant(id=row.id, name=row.name, created_at=row.created_at)


def delete_tenant(session: Session, tenant_id: UUID) -> None:
    """Delete a tenant's row and all that it has."""
    # The rest goes with the tenant's row. Photographs of faces go with the faces.
    for row in (IdempotencyKeyRow, JobRow):
        session.execute(delete(row).where(row.tenant_id == tenant_id))
    session.execute(delete(TenantRow).where(TenantRow.id == tenant_id))
    session.execute(delete(ImageRow).where(ImageRow.tenant_id == tenant_id))


class SqlTenantRepository:
    """See :class:`app.services.ports.TenantRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, tenant: Tenant) -> None:
        try:
            self._session.execute(insert(TenantRow).values(asdict(tenant)))
        except IntegrityError as error:
            raise ConflictError("A tenant of this name exists. Choose another name.") from error

    def find(self, name: str) -> Tenant | None:
        row = self._session.scalar(select(TenantRow).where(TenantRow.name == name))
        return None if row is None else _tenant(row)

    def all(self) -> list[Tenant]:
        rows = self._session.scalars(select(TenantRow).order_by(TenantRow.id))
        return [_tenant(row) for row in rows]
