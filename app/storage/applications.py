from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from app.domain.application import Application, Service, ServiceType
from app.domain.errors import ConflictError
from app.services.identity import new_id
from app.storage.tables import ApplicationRow, ServiceRow

if TYPE_CHECKING:
    from uuid import UUID

    from app.storage.tenancy import TenantSession


#: The key tells whose the service is, so there is no tenant yet: the function answers for one key
#: at a time, past the policies.
_FIND = text("SELECT * FROM find_service(:key_hash)")


def _application(row: ApplicationRow) -> Application:
    return Application(id=row.id, tenant_id=row.tenant_id, name=row.name, created_at=row.created_at)


def _service(row: ServiceRow) -> Service:
    values = {field.name: getattr(row, field.name) for field in fields(Service)}
    return Service(**{**values, "type": ServiceType(row.type)})


class SqlApplicationRepository:
    """See :class:`app.services.ports.ApplicationRepository`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session

    def ensure(self, name: str) -> Application:
        self._session.execute(
            upsert(ApplicationRow)
            .values(id=new_id(), name=name, created_at=func.now())
            .on_conflict_do_nothing(index_elements=["tenant_id", "name"])
        )
        row = self._session.scalar(
            select(ApplicationRow).where(
                self._session.owned(ApplicationRow), ApplicationRow.name == name
            )
        )
        if row is None:  # deleted between the two statements
            raise ConflictError("the application was deleted meanwhile; try again")
        return _application(row)

    def get(self, application_id: UUID) -> Application | None:
        row = self._session.get(ApplicationRow, application_id)
        return _application(row) if row is not None and self._session.owns(row) else None

    def all(self) -> list[Application]:
        rows = self._session.scalars(
            select(ApplicationRow)
            .where(self._session.owned(ApplicationRow))
            .order_by(ApplicationRow.id)
        )
        return [_application(row) for row in rows]

    def delete(self, application_id: UUID) -> None:
        self._session.execute(delete(ApplicationRow).where(ApplicationRow.id == application_id))


class SqlServiceRepository:
    """See :class:`app.services.ports.ServiceRepository`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session

    def add(self, service: Service) -> None:
        try:
            self._session.execute(insert(ServiceRow).values(asdict(service)))
        except IntegrityError as error:
            raise ConflictError(
                "the application has a service of this name or key; choose another"
            ) from error

    def get(self, service_id: UUID) -> Service | None:
        row = self._session.get(ServiceRow, service_id)
        return _service(row) if row is not None and self._session.owns(row) else None

    def find(self, key_hash: bytes) -> Service | None:
        row = self._session.scalar(select(ServiceRow).from_statement(_FIND), {"key_hash": key_hash})
        return None if row is None else _service(row)

    def page(self, application_id: UUID) -> list[Service]:
        rows = self._session.scalars(
            select(ServiceRow)
            .where(ServiceRow.application_id == application_id)
            .order_by(ServiceRow.id)
        )
        return [_service(row) for row in rows]

    def delete(self, service_id: UUID) -> None:
        self._session.execute(delete(ServiceRow).where(ServiceRow.id == service_id))
