"""Endpoints and deliveries in memory, a clock to be set, and a sender that answers as told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.domain.delivery import ATTEMPTS_AT_ONCE, Attempt, DeliveryState
from app.domain.errors import InvalidRequestError
from app.webhooks.signature import generate_signing_key


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
        self.sequences = {}

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

    def next_sequence(self, endpoint_id):
        self.sequences[endpoint_id] = self.sequences.get(endpoint_id, 0) + 1
        return self.sequences[endpoint_id]

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
    def __init__(self, endpoints) -> None:
        self.rows = {}
        self._endpoints = endpoints
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
        if row not in self._ready(now):
            return None
        under_way = [
            other
            for other in self.rows.values()
            if other.endpoint_id == row.endpoint_id and (other.leased_until or now) > now
        ]
        if len(under_way) >= ATTEMPTS_AT_ONCE:
            return None
        end = now + lease
        self.rows[row.id] = replace(
            row, attempt=row.attempt + 1, next_attempt_at=end, leased_until=end
        )
        return self.rows[row.id]

    def claim_next(self, endpoint_id, *, now, lease):
        ready = [row for row in self._ready(now) if row.endpoint_id == endpoint_id]
        if not ready:
            return None
        first = min(ready, key=lambda row: (row.next_attempt_at, row.id))
        return self.claim(first.id, now=now, lease=lease)

    def _ready(self, now):
        return [
            row
            for row in self.rows.values()
            if row.state is DeliveryState.PENDING
            and row.next_attempt_at <= now
            and (self._endpoints.get(row.endpoint_id).throttled_until or now) <= now
        ]

    def record(self, attempt, *, state, next_attempt_at):
        row = self.rows[attempt.delivery_id]
        if row.attempt != attempt.number or row.state is not DeliveryState.PENDING:
            return False
        self.log.append(attempt)
        delivered_at = attempt.at if state is DeliveryState.DELIVERED else None
        self.rows[row.id] = replace(
            row,
            state=state,
            next_attempt_at=next_attempt_at,
            leased_until=None,
            delivered_at=delivered_at,
        )
        return True

    def due(self, *, now, limit):
        found, ids = Counter(), []
        for row in sorted(self._ready(now), key=lambda row: row.next_attempt_at):
            found[row.endpoint_id] += 1
            if found[row.endpoint_id] <= ATTEMPTS_AT_ONCE:
                ids.append(row.id)
        return ids[:limit]

    def redeliver(self, delivery_id, *, now):
        row = self.rows[delivery_id]
        self.rows[row.id] = replace(
            row,
            state=DeliveryState.PENDING,
            schedule_start=row.attempt,
            next_attempt_at=now,
            leased_until=None,
            delivered_at=None,
        )

    def redeliver_range(self, endpoint_id, *, since, until, states, now):
        chosen = [
            row.id
            for row in self.rows.values()
            if row.endpoint_id == endpoint_id
            and since <= row.created_at < until
            and row.state in set(states) - {DeliveryState.PENDING}
        ]
        for delivery_id in chosen:
            self.redeliver(delivery_id, now=now)
        return chosen


class FakeAuditTrail:
    """Keeps what was recorded, whatever becomes of the transaction."""

    def __init__(self) -> None:
        self.records = []

    def record(self, action, target_id=None, **details):
        self.records.append((action, target_id))


class FakeWork:
    """A transaction over both: what is not committed is undone."""

    def __init__(self) -> None:
        self.endpoints = FakeEndpoints()
        self.deliveries = FakeDeliveries(self.endpoints)
        self.audit = FakeAuditTrail()

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

    def new_key(self):
        return generate_signing_key()

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
