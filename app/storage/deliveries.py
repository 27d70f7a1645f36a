from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, insert, select, tuple_, update

from app.domain.delivery import Attempt, Delivery, DeliveryState, EventType
from app.storage.tables import AttemptRow, DeliveryRow

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from sqlalchemy.orm import Session

_COLUMNS = DeliveryRow.__table__.columns


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
        row = self._session.execute(
            update(DeliveryRow)
            .where(
                DeliveryRow.id == delivery_id,
                DeliveryRow.state == DeliveryState.PENDING,
                DeliveryRow.next_attempt_at <= now,
            )
            .values(attempt=DeliveryRow.attempt + 1, next_attempt_at=now + lease)
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
                delivered_at=attempt.at if state is DeliveryState.DELIVERED else None,
            )
        )
        held = isinstance(result, CursorResult) and result.rowcount > 0
        if held:
            self._session.execute(insert(AttemptRow).values(asdict(attempt)))
        return held

    def due(self, *, now: datetime, limit: int) -> list[UUID]:
        return list(
            self._session.scalars(
                select(DeliveryRow.id)
                .where(
                    DeliveryRow.state == DeliveryState.PENDING, DeliveryRow.next_attempt_at <= now
                )
                .order_by(DeliveryRow.next_attempt_at)
                .limit(limit)
            )
        )

    def redeliver(self, delivery_id: UUID, *, now: datetime) -> None:
        self._session.execute(
            update(DeliveryRow)
            .where(DeliveryRow.id == delivery_id)
            .values(
                state=DeliveryState.PENDING,
                schedule_start=DeliveryRow.attempt,
                next_attempt_at=now,
                delivered_at=None,
            )
        )
