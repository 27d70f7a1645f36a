from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, or_, select, update

from app.domain.delivery import DisableReason, Endpoint, EventType
from app.storage.tables import EndpointRow

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Select

    from app.storage.database.tenancy import TenantSession


_EVENTS = {event.value: event for event in EventType}


def _endpoint(row: EndpointRow) -> Endpoint:
    values: dict[str, Any] = {field.name: getattr(row, field.name) for field in fields(Endpoint)}
    reason = values["disabled_reason"]
    values["disabled_reason"] = None if reason is None else DisableReason(reason)
    # An endpoint that also waits for events of a later version must not keep jobs from ending.
    values["events"] = frozenset(_EVENTS.get(event, event) for event in values["events"])
    return Endpoint(**values)


def _values(endpoint: Endpoint) -> dict[str, Any]:
    values = {**asdict(endpoint), "events": sorted(endpoint.events)}
    del values["tenant_id"]  # the transaction's, and for good
    return values


class SqlEndpointRepository:
    """See :class:`app.services.ports.EndpointRepository`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session

    def add(self, endpoint: Endpoint) -> None:
        self._session.execute(insert(EndpointRow).values(_values(endpoint)))

    def get(self, endpoint_id: UUID) -> Endpoint | None:
        return self._one(select(EndpointRow).where(EndpointRow.id == endpoint_id))

    def lock(self, endpoint_id: UUID) -> Endpoint | None:
        return self._one(
            select(EndpointRow).where(EndpointRow.id == endpoint_id).with_for_update(key_share=True)
        )

    def page(self, *, owner_id: UUID | None, after: UUID | None, limit: int) -> list[Endpoint]:
        query = select(EndpointRow).where(self._session.owned(EndpointRow))
        query = query.order_by(EndpointRow.id).limit(limit)
        if owner_id is not None:
            query = query.where(EndpointRow.owner_id == owner_id)
        if after is not None:
            query = query.where(EndpointRow.id > after)
        return [_endpoint(row) for row in self._session.scalars(query)]

    def update(self, endpoint: Endpoint) -> None:
        self._session.execute(
            update(EndpointRow).where(EndpointRow.id == endpoint.id).values(_values(endpoint))
        )

    def next_sequence(self, endpoint_id: UUID) -> int:
        return self._session.execute(
            update(EndpointRow)
            .where(EndpointRow.id == endpoint_id)
            .values(sequence=EndpointRow.sequence + 1)
            .returning(EndpointRow.sequence)
        ).scalar_one()

    def delete(self, endpoint_id: UUID) -> None:
        self._session.execute(delete(EndpointRow).where(EndpointRow.id == endpoint_id))

    def subscribed(
        self, event: EventType, *, tenant_id: UUID | None, owner_id: UUID | None
    ) -> list[Endpoint]:
        rows = self._session.scalars(
            select(EndpointRow).where(
                EndpointRow.tenant_id == tenant_id,
                EndpointRow.enabled,
                EndpointRow.events.contains([event]),
                or_(EndpointRow.owner_id.is_(None), EndpointRow.owner_id == owner_id),
            )
        )
        return [_endpoint(row) for row in rows]

    def _one(self, query: Select[EndpointRow]) -> Endpoint | None:
        # Rows changed by statements, not through the session, must be read afresh.
        row = self._session.scalar(query.execution_options(populate_existing=True))
        return _endpoint(row) if row is not None and self._session.owns(row) else None
