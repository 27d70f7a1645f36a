"""Webhook events: stored with what they report, then sent until they are accepted."""

from __future__ import annotations

import logging
from datetime import UTC
from typing import TYPE_CHECKING, Any

from app.domain.delivery import (
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EventType,
    retry_delay,
)
from app.domain.identity import new_id
from app.domain.setback import Chore
from app.services.isolation import is_outage, setting_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from app.domain.job import Job
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory, WebhookSender

_LOG = logging.getLogger(__name__)


#: Attempts of one message, so that a stop of the sender need not wait for a whole backlog.
_IN_A_ROW = 20


def enqueue_events(work: UnitOfWork, jobs: Sequence[Job]) -> list[UUID]:
    """Store a delivery for each endpoint that hears of the end of one of these jobs.

    To be called in the transaction that ends the jobs, with the jobs in their final states; the
    message of each returned delivery is put after the commit.
    Raises: ValueError: a job has not ended.
    """
    listeners: dict[tuple[EventType, UUID | None, UUID | None], list[Endpoint]] = {}
    heard: list[tuple[Endpoint, EventType, Job]] = []
    for job in jobs:
        if job.finished_at is None:
            raise ValueError("A job that has not ended has no event.")
        event = EventType(f"job.{job.state}")
        topic = event, job.tenant_id, job.owner_id
        if topic not in listeners:
            listeners[topic] = work.endpoints.subscribed(
                event, tenant_id=job.tenant_id, owner_id=job.owner_id
            )
        heard += [(endpoint, event, job) for endpoint in listeners[topic]]
    # Endpoints in one order for all, as their numbers demand.
    heard.sort(key=lambda one: one[0].id)
    return [
        store_event(work, endpoint, event, _summary(job), at=job.finished_at).id
        for endpoint, event, job in heard
        if job.finished_at is not None
    ]


def _summary(job: Job) -> dict[str, Any]:
    """Return what an event says of a job: only what the job's owner can look up."""
    return {
        "id": str(job.id),
        "type": job.type,
        "state": job.state,
        "collection_id": str(job.collection_id) if job.collection_id else None,
        "links": {"job": f"/v1/jobs/{job.id}"},
    }


def store_event(
    work: UnitOfWork, endpoint: Endpoint, event: EventType, data: Mapping[str, Any], *, at: datetime
) -> Delivery:
    """Store a delivery of an event, due at once."""
    timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    delivery = Delivery(
        id=new_id(),
        endpoint_id=endpoint.id,
        event=event,
        payload={
            "type": event,
            "timestamp": timestamp,
            "sequence": work.endpoints.next_sequence(endpoint.id),
            "data": data,
        },
        next_attempt_at=at,
        created_at=at,
    )
    work.deliveries.add(delivery)
    return delivery


def deliver(
    delivery_id: UUID,
    *,
    uow: UnitOfWorkFactory,
    sender: WebhookSender,
    clock: Clock,
    lease: timedelta,
    jitter: Callable[[], float],
) -> None:
    """Make the attempt that is due, if one is, and those that wait behind it at its endpoint.

    What follows from each is set down before the next. A throttled or busy endpoint is left alone.
    ``lease`` has to be longer than an attempt takes: a sender that dies between the attempt and its
    record is known by the end of its lease, and the event is sent again under the same id.
    ``jitter`` draws from 0 to 1.

    A delivery that fails for another reason than its receiver is set aside. One that cannot be read
    when its turn comes ends this, and is set aside once the sweep has put it by its id.
    """
    claim: Delivery | None = None
    with setting_aside(Chore.DELIVERIES, delivery_id, uow=uow), uow() as work:
        claim = work.deliveries.claim(delivery_id, now=clock.now(), lease=lease)
        work.commit()
    for _ in range(_IN_A_ROW):
        if claim is None:
            return
        with setting_aside(Chore.DELIVERIES, claim.id, uow=uow):
            _attempt(claim, uow=uow, sender=sender, clock=clock, jitter=jitter())
        claim = _next(claim.endpoint_id, uow=uow, clock=clock, lease=lease)


def _next(
    endpoint_id: UUID, *, uow: UnitOfWorkFactory, clock: Clock, lease: timedelta
) -> Delivery | None:
    """Claim what is due next at an endpoint; nothing where that cannot be read."""
    try:
        with uow() as work:
            claim = work.deliveries.claim_next(endpoint_id, now=clock.now(), lease=lease)
            work.commit()
    except Exception as error:
        if is_outage(error):
            raise
        _LOG.exception("a delivery cannot be read", extra={"action": "delivery_unreadable"})
        return None
    return claim


def _attempt(
    delivery: Delivery,
    *,
    uow: UnitOfWorkFactory,
    sender: WebhookSender,
    clock: Clock,
    jitter: float,
) -> None:
    now = clock.now()
    with uow() as work:
        endpoint = work.endpoints.get(delivery.endpoint_id)
    if endpoint is None:
        return
    if endpoint.enabled:
        attempt = sender.send(endpoint, delivery, at=now)
    else:
        attempt = Attempt(
            delivery_id=delivery.id,
            number=delivery.attempt,
            at=now,
            error="The endpoint is disabled.",
        )
    with uow() as work:
        if _record(work, delivery, attempt, now=clock.now(), jitter=jitter):
            work.commit()


def _record(
    work: UnitOfWork, delivery: Delivery, attempt: Attempt, *, now: datetime, jitter: float
) -> bool:
    """Log the attempt and set what follows; ``False`` when a later claim has taken over."""
    enabled = _account(work, delivery.endpoint_id, attempt)
    # Claims that ended with a lost sender are no failures of the receiver, so attempts count.
    earlier = work.deliveries.attempts(delivery.id)
    failures = 1 + sum(one.number > delivery.schedule_start for one in earlier)
    wait = retry_delay(failures, jitter=jitter, retry_after_s=attempt.retry_after_s)
    state, next_at = DeliveryState.FAILED, None
    if attempt.succeeded:
        state = DeliveryState.DELIVERED
    elif enabled and wait is not None:
        state, next_at = DeliveryState.PENDING, now + wait
    return work.deliveries.record(attempt, state=state, next_attempt_at=next_at)


def _account(work: UnitOfWork, endpoint_id: UUID, attempt: Attempt) -> bool:
    """Store what the attempt says of the endpoint; return whether it is still enabled."""
    endpoint = work.endpoints.get(endpoint_id)
    if endpoint is None:
        return False
    if endpoint.after(attempt) == endpoint:
        return endpoint.enabled
    others: list[Endpoint] = []
    if not endpoint.after(attempt).enabled:
        others = work.endpoints.subscribed(
            EventType.ENDPOINT_DISABLED, tenant_id=endpoint.tenant_id, owner_id=endpoint.owner_id
        )
    for one in sorted({endpoint_id, *(other.id for other in others)}):
        work.endpoints.lock(one)
    locked = work.endpoints.lock(endpoint_id)
    if locked is None:
        return False
    changed = locked.after(attempt)
    work.endpoints.update(changed)
    if locked.enabled and not changed.enabled:
        data = {"id": str(changed.id), "reason": changed.disabled_reason}
        for other in others:
            if other.id != changed.id:
                store_event(work, other, EventType.ENDPOINT_DISABLED, data, at=attempt.at)
    return changed.enabled
