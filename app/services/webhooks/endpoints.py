"""The endpoints of webhooks, and what was sent to them.

A caller sees its own endpoints, and a global admin all of them; others are as absent as those that
do not exist.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.delivery import ATTEMPTS_AT_ONCE, Endpoint, EventType, generate_secret
from app.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from app.domain.identity import new_id
from app.services.webhooks.deliver import store_event

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from uuid import UUID

    from app.domain.caller import Caller
    from app.domain.delivery import Attempt, Delivery, DeliveryState
    from app.services.ports import (
        Clock,
        JobQueue,
        UnitOfWork,
        UnitOfWorkFactory,
        WebhookSender,
    )

#: How long the old secret signs beside the new one: time to bring the new one to the receivers.
ROTATION_OVERLAP = timedelta(hours=24)


def create_endpoint(
    *,
    url: str,
    events: Iterable[EventType],
    caller: Caller,
    uow: UnitOfWorkFactory,
    sender: WebhookSender,
    clock: Clock,
) -> Endpoint:
    """Register a URL under a new secret, which the caller is to be shown this once.

    Raises: InvalidRequestError: the URL is not allowed, or no event is named.
    """
    sender.check(url)
    endpoint = Endpoint(
        id=new_id(),
        url=url,
        secret=generate_secret(),
        signing_key=sender.new_key(),
        events=_some(events),
        owner_id=caller.owner_filter,
        created_at=clock.now(),
    )
    with uow() as work:
        work.endpoints.add(endpoint)
        work.audit.record(Action.CREATE_ENDPOINT, endpoint.id)
        work.commit()
    return endpoint


def get_endpoint(endpoint_id: UUID, *, caller: Caller, uow: UnitOfWorkFactory) -> Endpoint:
    """Return an endpoint. Raises: NotFoundError."""
    with uow() as work:
        return _admit(work.endpoints.get(endpoint_id), caller)


def list_endpoints(
    *, caller: Caller, after: UUID | None, limit: int, uow: UnitOfWorkFactory
) -> list[Endpoint]:
    """Return endpoints, oldest first, from the one after ``after``."""
    with uow() as work:
        return work.endpoints.page(owner_id=caller.owner_filter, after=after, limit=limit)


def update_endpoint(
    endpoint_id: UUID,
    *,
    caller: Caller,
    url: str | None = None,
    events: Iterable[EventType] | None = None,
    enabled: bool | None = None,
    uow: UnitOfWorkFactory,
    sender: WebhookSender,
) -> Endpoint:
    """Change what is given. A new URL, and being enabled, start without earlier failures.

    Raises: NotFoundError; InvalidRequestError: the URL is not allowed, or no event is named.
    """
    get_endpoint(endpoint_id, caller=caller, uow=uow)
    if url is not None:
        # Looks the host up, which may take seconds: not for the inside of a transaction.
        sender.check(url)
    with uow() as work:
        endpoint = _admit(work.endpoints.lock(endpoint_id), caller)
        if url is not None:
            endpoint = replace(endpoint, url=url, failing_since=None, throttled_until=None)
        if events is not None:
            endpoint = replace(endpoint, events=_some(events))
        if enabled is not None and enabled != endpoint.enabled:
            endpoint = replace(
                endpoint,
                enabled=enabled,
                disabled_reason=None,
                failing_since=None,
                throttled_until=None,
            )
        work.endpoints.update(endpoint)
        work.audit.record(Action.CHANGE_ENDPOINT, endpoint.id)
        work.commit()
    return endpoint


def delete_endpoint(endpoint_id: UUID, *, caller: Caller, uow: UnitOfWorkFactory) -> None:
    """Remove an endpoint with its deliveries. Raises: NotFoundError."""
    with uow() as work:
        _admit(work.endpoints.lock(endpoint_id), caller)
        work.endpoints.delete(endpoint_id)
        work.audit.record(Action.DELETE_ENDPOINT, endpoint_id)
        work.commit()


def rotate_secret(
    endpoint_id: UUID,
    *,
    caller: Caller,
    uow: UnitOfWorkFactory,
    sender: WebhookSender,
    clock: Clock,
) -> Endpoint:
    """Draw a new secret and key pair; the old ones sign beside them for ``ROTATION_OVERLAP``.

    Raises: NotFoundError.
    """
    with uow() as work:
        endpoint = _admit(work.endpoints.lock(endpoint_id), caller)
        endpoint = replace(
            endpoint,
            secret=generate_secret(),
            signing_key=sender.new_key(),
            previous_secret=endpoint.secret,
            previous_signing_key=endpoint.signing_key,
            previous_secret_until=clock.now() + ROTATION_OVERLAP,
        )
        work.endpoints.update(endpoint)
        work.audit.record(Action.ROTATE_ENDPOINT, endpoint.id)
        work.commit()
    return endpoint


def send_test_event(
    endpoint_id: UUID,
    *,
    caller: Caller,
    uow: UnitOfWorkFactory,
    queue: JobQueue,
    clock: Clock,
) -> Delivery:
    """Send an ``endpoint.test`` event, whatever the endpoint hears of.

    Raises: NotFoundError; ConflictError: the endpoint is disabled.
    """
    with uow() as work:
        endpoint = _enabled(work, endpoint_id, caller)
        data = {"id": str(endpoint.id)}
        delivery = store_event(work, endpoint, EventType.ENDPOINT_TEST, data, at=clock.now())
        work.audit.record(Action.TEST_ENDPOINT, endpoint.id)
        work.commit()
    queue.put_delivery(delivery.id)
    return delivery


def list_deliveries(
    endpoint_id: UUID,
    *,
    caller: Caller,
    before: tuple[datetime, UUID] | None,
    limit: int,
    uow: UnitOfWorkFactory,
) -> list[Delivery]:
    """Return deliveries, newest first, from the one before ``before``. Raises: NotFoundError."""
    with uow() as work:
        _admit(work.endpoints.get(endpoint_id), caller)
        return work.deliveries.page(endpoint_id, before=before, limit=limit)


def get_delivery(
    delivery_id: UUID, *, endpoint_id: UUID, caller: Caller, uow: UnitOfWorkFactory
) -> Delivery:
    """Return a delivery of the endpoint. Raises: NotFoundError."""
    with uow() as work:
        _admit(work.endpoints.get(endpoint_id), caller)
        return _delivery(work, delivery_id, endpoint_id)


def list_attempts(
    delivery_id: UUID, *, endpoint_id: UUID, caller: Caller, uow: UnitOfWorkFactory
) -> list[Attempt]:
    """Return the attempts of a delivery in order. Raises: NotFoundError."""
    with uow() as work:
        _admit(work.endpoints.get(endpoint_id), caller)
        _delivery(work, delivery_id, endpoint_id)
        return work.deliveries.attempts(delivery_id)


def redeliver(
    delivery_id: UUID,
    *,
    endpoint_id: UUID,
    caller: Caller,
    uow: UnitOfWorkFactory,
    queue: JobQueue,
    clock: Clock,
) -> Delivery:
    """Send an event again, now and under its old id, with the whole schedule before it.

    Raises: NotFoundError; ConflictError: the endpoint is disabled.
    """
    with uow() as work:
        _enabled(work, endpoint_id, caller)
        _delivery(work, delivery_id, endpoint_id)
        work.deliveries.redeliver(delivery_id, now=clock.now())
        delivery = _delivery(work, delivery_id, endpoint_id)
        work.audit.record(Action.REDELIVER, endpoint_id, deliveries=1)
        work.commit()
    queue.put_delivery(delivery_id)
    return delivery


def redeliver_range(
    endpoint_id: UUID,
    *,
    caller: Caller,
    since: datetime,
    until: datetime | None,
    states: Collection[DeliveryState],
    uow: UnitOfWorkFactory,
    queue: JobQueue,
    clock: Clock,
) -> int:
    """Do so with every event from ``since`` to before ``until`` (by default: now) in these states.

    Returns how many there are; one that is still pending is not counted, nor sent twice.
    Raises: NotFoundError; ConflictError: the endpoint is disabled.
    """
    now = clock.now()
    with uow() as work:
        _enabled(work, endpoint_id, caller)
        chosen = work.deliveries.redeliver_range(
            endpoint_id, since=since, until=until or now, states=states, now=now
        )
        work.audit.record(Action.REDELIVER, endpoint_id, deliveries=len(chosen))
        work.commit()
    # A sender that is at the endpoint goes on with what waits behind.
    for delivery_id in chosen[:ATTEMPTS_AT_ONCE]:
        queue.put_delivery(delivery_id)
    return len(chosen)


def _admit(endpoint: Endpoint | None, caller: Caller) -> Endpoint:
    if endpoint is None or caller.owner_filter not in {None, endpoint.owner_id}:
        raise NotFoundError
    return endpoint


def _enabled(work: UnitOfWork, endpoint_id: UUID, caller: Caller) -> Endpoint:
    endpoint = _admit(work.endpoints.get(endpoint_id), caller)
    if not endpoint.enabled:
        raise ConflictError("The endpoint is disabled. Enable it first.")
    return endpoint


def _delivery(work: UnitOfWork, delivery_id: UUID, endpoint_id: UUID) -> Delivery:
    delivery = work.deliveries.get(delivery_id)
    if delivery is None or delivery.endpoint_id != endpoint_id:
        raise NotFoundError
    return delivery


def _some(events: Iterable[EventType]) -> frozenset[EventType]:
    chosen = frozenset(events)
    if not chosen:
        raise InvalidRequestError("Name at least one event.")
    return chosen
