"""Endpoints and deliveries in memory, a clock to be set, and a sender that answers as told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.domain.delivery import Attempt, DeliveryState
from app.domain.errors import InvalidRequestError


class FakeClock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self):
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


class FakeEndpoints:
    def __init__(self) -> None:
        self.rows = {}

    def add(self, endpoint):
        self.rows[endpoint.id] = endpoint

    def get(self, endpoint_id):
        return self.rows.get(endpoint_id)

    lock = get

    def page(self, *, owner_id, after, limit):
        ids = sorted(self.rows)
        rows = [self.rows[one] for one in ids if after is None or one > after]
        return [row for row in rows if owner_id in {None, row.owner_id}][:limit]

    def update(self, endpoint):
        self.rows[endpoint.id] = endpoint

    def delete(self, endpoint_id):
        del self.rows[endpoint_id]

    def subscribed(self, event, *, tenant_id, owner_id):
        return [
            row
            for row in self.rows.values()
            if row.enabled
            and event in row.events
            and row.tenant_id == tenant_id
            and row.owner_id in {None, owner_id}
        ]


class FakeDeliveries:
    def __init__(self) -> None:
        self.rows = {}
        self.log = []

    def add(self, delivery):
        self.rows[delivery.id] = delivery

    def get(self, delivery_id):
        return self.rows.get(delivery_id)

    def page(self, endpoint_id, *, before, limit):
        rows = [row for row in self.rows.values() if row.endpoint_id == endpoint_id]
        rows.sort(key=lambda row: (row.created_at, row.id), reverse=True)
        return [row for row in rows if before is None or (row.created_at, row.id) < before][:limit]

    def attempts(self, delivery_id):
        return [attempt for attempt in self.log if attempt.delivery_id == delivery_id]

    def claim(self, delivery_id, *, now, lease):
        row = self.rows.get(delivery_id)
        if row is None or row.state is not DeliveryState.PENDING or row.next_attempt_at > now:
            return None
        self.rows[row.id] = replace(row, attempt=row.attempt + 1, next_attempt_at=now + lease)
        return self.rows[row.id]

    def record(self, attempt, *, state, next_attempt_at):
        row = self.rows[attempt.delivery_id]
        if row.attempt != attempt.number or row.state is not DeliveryState.PENDING:
            return False
        self.log.append(attempt)
        delivered_at = attempt.at if state is DeliveryState.DELIVERED else None
        self.rows[row.id] = replace(
            row, state=state, next_attempt_at=next_attempt_at, delivered_at=delivered_at
        )
        return True

    def due(self, *, now, limit):
        pending = [row for row in self.rows.values() if row.state is DeliveryState.PENDING]
        return [row.id for row in pending if row.next_attempt_at <= now][:limit]

    def redeliver(self, delivery_id, *, now):
        row = self.rows[delivery_id]
        self.rows[row.id] = replace(
            row,
            state=DeliveryState.PENDING,
            schedule_start=row.attempt,
            next_attempt_at=now,
            delivered_at=None,
        )


class FakeWork:
    """A transaction over both: what is not committed is undone."""

    def __init__(self) -> None:
        self.endpoints = FakeEndpoints()
        self.deliveries = FakeDeliveries()

    def __call__(self):
        return self

    def __enter__(self):
        self.commit()
        return self

    def __exit__(self, *_):
        self.endpoints.rows, self.deliveries.rows, self.deliveries.log = self._saved

    def commit(self):
        self._saved = (
            dict(self.endpoints.rows),
            dict(self.deliveries.rows),
            list(self.deliveries.log),
        )


class FakeSender:
    """Answers with the given statuses in turn, the last one for ever; refuses ``refused`` URLs."""

    def __init__(self, *statuses, retry_after_s=None) -> None:
        self.statuses = list(statuses) or [200]
        self.retry_after_s = retry_after_s
        self.refused = set()
        self.sent = []

    def check(self, url):
        if url in self.refused:
            raise InvalidRequestError("refused")

    def send(self, endpoint, delivery, *, at):
        self.sent.append((endpoint, delivery, at))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return Attempt(
            delivery_id=delivery.id,
            number=delivery.attempt,
            at=at,
            status_code=status,
            error=None if status == 200 else f"Answered {status}.",
            retry_after_s=self.retry_after_s,
        )


class FakeQueue:
    def __init__(self) -> None:
        self.deliveries = []

    def put_delivery(self, delivery_id):
        self.deliveries.append(delivery_id)
        return True
