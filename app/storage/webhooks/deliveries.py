from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, CursorResult, func, insert, select, tuple_, update

from app.domain.delivery import (
    ATTEMPTS_AT_ONCE,
    Attempt,
    Delivery,
    DeliveryState,
    EventType,
)
from app.domain.setback import Chore
from app.storage.database.setbacks import not_aside
from app.storage.tables import AttemptRow, DeliveryRow, EndpointRow

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta
    from uuid import UUID

    from sqlalchemy import Update
    from sqlalchemy.orm import Session

_COLUMNS = DeliveryRow.__table__.columns


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        DeliveryRow.state == DeliveryState.PENDING,
        DeliveryRow.next_attempt_at <= now,
        not_aside(Chore.DELIVERIES, DeliveryRow.id),
    )


def _delivery(row: Any) -> Delivery:  # noqa: ANN401 - a row of the columns above
    values = {field.name: getattr(row, field.name) for field in fields(Delivery)}
    return Delivery(**{**values, "event": EventType(row.event), "state": DeliveryState(row.state)})


class SqlDeliveryRepository:
    """See :class:`app.services.ports.DeliveryRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, delivery: Delivery) -> None:
        values = {**asdict(delivery), "payload": dict(delivery.payload)}
        self._session.execute(insert(DeliveryRow).values(values))

    def get(self, delivery_id: UUID) -> Delivery | None:
        row = self._session.execute(
            select(*_COLUMNS).where(DeliveryRow.id == delivery_id)
        ).one_or_none()
        return None if row is None else _delivery(row)

    def page(
        self,
        endpoint_id: UUID,
        *,
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[Delivery]:
        query = select(*_COLUMNS).where(DeliveryRow.endpoint_id == endpoint_id)
        if before is not None:
            query = query.where(tuple_(DeliveryRow.created_at, DeliveryRow.id) < tuple_(*before))
        newest_first = query.order_by(DeliveryRow.created_at.desc(), DeliveryRow.id.desc())
        return [_delivery(row) for row in self._session.execute(newest_first.limit(limit))]

    def attempts(self, delivery_id: UUID) -> list[Attempt]:
        rows = self._session.scalars(
            select(AttemptRow)
            .where(AttemptRow.delivery_id == delivery_id)
            .order_by(AttemptRow.number)
        )
        return [
            Attempt(**{field.name: getattr(row, field.name) for field in fields(Attempt)})
            for row in rows
        ]

    def claim(self, delivery_id: UUID, *, now: datetime, lease: timedelta) -> Delivery | None:
        endpoint_id = self._session.scalar(
            select(DeliveryRow.endpoint_id).where(DeliveryRow.id == delivery_id)
        )
        if endpoint_id is None or not self._admits(endpoint_id, now):
            return None
        return self._take(DeliveryRow.id == delivery_id, now=now, lease=lease)

    def claim_next(self, endpoint_id: UUID, *, now: datetime, lease: timedelta) -> Delivery | None:
        if not self._admits(endpoint_id, now):
            return None
        longest_due = (
            select(DeliveryRow.id)
            .where(DeliveryRow.endpoint_id == endpoint_id, *_due(now))
            .order_by(DeliveryRow.next_attempt_at, DeliveryRow.id)
            .limit(1)
            .scalar_subquery()
        )
        return self._take(DeliveryRow.id == longest_due, now=now, lease=lease)

    def _admits(self, endpoint_id: UUID, now: datetime) -> bool:
        """Whether one attempt more may be made; holds the endpoint, so that the count is true."""
        endpoint = self._session.execute(
            select(EndpointRow.throttled_until)
            .where(EndpointRow.id == endpoint_id)
            .with_for_update(key_share=True)
        ).one_or_none()
        if endpoint is None or (endpoint.throttled_until or now) > now:
            return False
        under_way = self._session.scalar(
            select(func.count()).where(
                DeliveryRow.endpoint_id == endpoint_id,
                DeliveryRow.state == DeliveryState.PENDING,
                DeliveryRow.leased_until > now,
            )
        )
        return (under_way or 0) < ATTEMPTS_AT_ONCE

    def _take(
        self, which: ColumnElement[bool], *, now: datetime, lease: timedelta
    ) -> Delivery | None:
        row = self._session.execute(
            update(DeliveryRow)
            .where(which, *_due(now))
            .values(
                attempt=DeliveryRow.attempt + 1,
                next_attempt_at=now + lease,
                leased_until=now + lease,
            )
            .returning(*_COLUMNS)
        ).one_or_none()
        return None if row is None else _delivery(row)

    def record(
        self,
        attempt: Attempt,
        *,
        state: DeliveryState,
        next_attempt_at: datetime | None,
    ) -> bool:
        result = self._session.execute(
            update(DeliveryRow)
            .where(
                DeliveryRow.id == attempt.delivery_id,
                DeliveryRow.attempt == attempt.number,
                DeliveryRow.state == DeliveryState.PENDING,
            )
            .values(
                state=state,
                next_attempt_at=next_attempt_at,
                leased_until=None,
                delivered_at=attempt.at if state is DeliveryState.DELIVERED else None,
            )
        )
        held = isinstance(result, CursorResult) and result.rowcount > 0
        if held:
            self._session.execute(insert(AttemptRow).values(asdict(attempt)))
        return held

    def due(self, *, now: datetime, limit: int) -> list[UUID]:
        place = func.row_number().over(
            partition_by=DeliveryRow.endpoint_id, order_by=DeliveryRow.next_attempt_at
        )
        ready = (
            select(DeliveryRow.id, DeliveryRow.next_attempt_at, place.label("place"))
            .join(EndpointRow, EndpointRow.id == DeliveryRow.endpoint_id)
            .where(*_due(now), func.coalesce(EndpointRow.throttled_until, now) <= now)
            .subquery()
        )
        return list(
            self._session.scalars(
                select(ready.c.id)
                .where(ready.c.place <= ATTEMPTS_AT_ONCE)
                .order_by(ready.c.next_attempt_at)
                .limit(limit)
            )
        )

    def redeliver(self, delivery_id: UUID, *, now: datetime) -> None:
        self._session.execute(_restart(now).where(DeliveryRow.id == delivery_id))

    def redeliver_range(
        self,
        endpoint_id: UUID,
        *,
        since: datetime,
        until: datetime,
        states: Collection[DeliveryState],
        now: datetime,
    ) -> list[UUID]:
        chosen = _restart(now).where(
            DeliveryRow.endpoint_id == endpoint_id,
            DeliveryRow.created_at >= since,
            DeliveryRow.created_at < until,
            DeliveryRow.state.in_(set(states) - {DeliveryState.PENDING}),
        )
        return list(self._session.scalars(chosen.returning(DeliveryRow.id)))


def _restart(now: datetime) -> Update:
    return update(DeliveryRow).values(
        state=DeliveryState.PENDING,
        schedule_start=DeliveryRow.attempt,
        next_attempt_at=now,
        leased_until=None,
        delivered_at=None,
    )
