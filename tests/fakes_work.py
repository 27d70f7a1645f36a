"""A unit of work in memory: endpoints, deliveries and the audit trail, of the first tenant.

`tests/ports` shows that they do what those in Postgres do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from app.domain.audit import Actor, ActorKind, AuditRecord, Verdict
from app.domain.delivery import ATTEMPTS_AT_ONCE, DeliveryState
from app.domain.identity import new_id
from app.domain.tenant import DEFAULT_TENANT_ID


class FakeEndpoints:
    def __init__(self) -> None:
        self.rows = {}
        self.sequences = {}

    def add(self, endpoint):
        self.rows[endpoint.id] = replace(endpoint, tenant_id=DEFAULT_TENANT_ID)

    def get(self, endpoint_id):
        return self.rows.get(endpoint_id)

    lock = get

    def page(self, *, owner_id, after, limit):
        ids = sorted(self.rows)
        rows = [self.rows[one] for one in ids if after is None or one > after]
        return [row for row in rows if owner_id in {None, row.owner_id}][:limit]

    def update(self, endpoint):
        self.add(endpoint)

    def next_sequence(self, endpoint_id):
        self.sequences[endpoint_id] = self.sequences.get(endpoint_id, 0) + 1
        return self.sequences[endpoint_id]

    def delete(self, endpoint_id):
        del self.rows[endpoint_id]
        self.deliveries.forget(endpoint_id)

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

    def forget(self, endpoint_id):
        kept = {key: row for key, row in self.rows.items() if row.endpoint_id != endpoint_id}
        self.log = [attempt for attempt in self.log if attempt.delivery_id in kept]
        self.rows = kept

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
    def __init__(self) -> None:
        self.rows = []

    def record(
        self,
        action,
        target_id=None,
        *,
        target_kind=None,
        verdict=Verdict.DONE,
        tenant_id=None,
        **details,
    ):
        self.rows.append(
            AuditRecord(
                id=new_id(),
                at=datetime.now(UTC),
                tenant_id=tenant_id or DEFAULT_TENANT_ID,
                actor=Actor(ActorKind.COMMAND_LINE),
                action=action,
                verdict=verdict,
                target_kind=target_kind or action.partition(".")[0],
                target_id=target_id,
                request_id=None,
                details=details,
            )
        )

    def page(self, *, action, target_id, before, limit):
        rows = [
            row
            for row in reversed(self.rows)
            if action in {None, row.action} and target_id in {None, row.target_id}
        ]
        ids = [row.id for row in rows]
        return rows[ids.index(before) + 1 if before else 0 :][:limit]


class FakeWork:
    """A transaction over the three: what is not committed is undone.

    Calls outside of one count as committed.
    """

    def __init__(self) -> None:
        self.endpoints = FakeEndpoints()
        self.deliveries = FakeDeliveries(self.endpoints)
        self.endpoints.deliveries = self.deliveries
        self.audit = FakeAuditTrail()

    def __call__(self):
        return self

    def __enter__(self):
        self.commit()
        return self

    def __exit__(self, *_):
        (
            self.endpoints.rows,
            self.endpoints.sequences,
            self.deliveries.rows,
            self.deliveries.log,
            self.audit.rows,
        ) = self._saved

    def commit(self):
        self._saved = (
            dict(self.endpoints.rows),
            dict(self.endpoints.sequences),
            dict(self.deliveries.rows),
            list(self.deliveries.log),
            list(self.audit.rows),
        )
