from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from app.domain.compreface import Application, Service, ServiceType
from app.domain.errors import ConflictError
from app.domain.identity import new_id
from app.storage.tables import ApplicationRow, ServiceCallsRow, ServiceRow

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from sqlalchemy import Executable

    from app.storage.database.tenancy import TenantSession


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

    def ensure(self, name: str) -> tuple[Application, bool]:
        made = self._session.scalar(
            upsert(ApplicationRow)
            .values(id=new_id(), name=name, created_at=func.now())
            .on_conflict_do_nothing(index_elements=["tenant_id", "name"])
            .returning(ApplicationRow.id)
        )
        row = self._session.scalar(
            select(ApplicationRow).where(
                self._session.owned(ApplicationRow), ApplicationRow.name == name
            )
        )
        if row is None:  # deleted between the two statements
            raise ConflictError("The application was deleted meanwhile. Try again.")
        return _application(row), made is not None

    def add(self, application: Application) -> None:
        self._write(insert(ApplicationRow).values(asdict(application)))

    def rename(self, application_id: UUID, name: str) -> None:
        self._write(
            update(ApplicationRow).where(ApplicationRow.id == application_id).values(name=name)
        )

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

    def _write(self, statement: Executable) -> None:
        try:
            self._session.execute(statement)
        except IntegrityError as error:
            raise ConflictError(
                "An application of this name exists. Choose another name."
            ) from error


class SqlServiceRepository:
    """See :class:`app.services.ports.ServiceRepository`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session

    def add(self, service: Service) -> None:
        try:
            self._session.execute(insert(ServiceRow).values(asdict(service)))
        except IntegrityError as error:
            raise ConflictError(
                "The application has a service of this name or key. Choose another."
            ) from error

    def get(self, service_id: UUID) -> Service | None:
        row = self._session.get(ServiceRow, service_id)
        return _service(row) if row is not None and self._session.owns(row) else None

    def find(self, key_hash: bytes) -> Service | None:
        row = self._session.scalar(select(ServiceRow).from_statement(_FIND), {"key_hash": key_hash})
        return None if row is None else _service(row)

    def update(self, service: Service) -> None:
        changes = {"name": service.name, "key_hash": service.key_hash}
        try:
            self._session.execute(
                update(ServiceRow).where(ServiceRow.id == service.id).values(changes)
            )
        except IntegrityError as error:
            raise ConflictError(
                "The application has a service of this name. Choose another name."
            ) from error

    def count_call(self, service_id: UUID, day: date) -> None:
        first = upsert(ServiceCallsRow).values(service_id=service_id, day=day, calls=1)
        self._session.execute(
            first.on_conflict_do_update(
                index_elements=["service_id", "day"], set_={"calls": ServiceCallsRow.calls + 1}
            )
        )
        # A crash may lose the last calls, which is no reason to wait for the disk at each of them.
        self._session.execute(select(func.set_config("synchronous_commit", "off", True)))  # noqa: FBT003

    def calls(self, service_id: UUID, *, since: date) -> list[tuple[date, int]]:
        rows = self._session.execute(
            select(ServiceCallsRow.day, ServiceCallsRow.calls)
            .where(ServiceCallsRow.service_id == service_id, ServiceCallsRow.day >= since)
            .order_by(ServiceCallsRow.day.desc())
        )
        return [(row.day, row.calls) for row in rows]

    def page(self, application_id: UUID) -> list[Service]:
        rows = self._session.scalars(
            select(ServiceRow)
            .where(ServiceRow.application_id == application_id)
            .order_by(ServiceRow.id)
        )
        return [_service(row) for row in rows]

    def delete(self, service_id: UUID) -> None:
        self._session.execute(delete(ServiceRow).where(ServiceRow.id == service_id))
