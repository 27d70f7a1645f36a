"""Endpoints, deliveries and the way to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta
    from uuid import UUID

    from app.domain.delivery import Attempt, Delivery, DeliveryState, Endpoint, EventType


class EndpointRepository(Protocol):
    """Registered webhook URLs."""

    def add(self, endpoint: Endpoint) -> None:
        """Store an endpoint."""

    def get(self, endpoint_id: UUID) -> Endpoint | None:
        """Return the endpoint, or ``None``."""

    def lock(self, endpoint_id: UUID) -> Endpoint | None:
        """Return the endpoint, held against changes by others until the transaction ends."""

    def page(self, *, owner_id: UUID | None, after: UUID | None, limit: int) -> list[Endpoint]:
        """Return endpoints by id; a missing owner admits all."""

    def update(self, endpoint: Endpoint) -> None:
        """Store a changed endpoint."""

    def next_sequence(self, endpoint_id: UUID) -> int:
        """Count one event more of an endpoint and return its number, from 1.

        The endpoint is held until the transaction ends, so that numbers have no gap. To number
        events of several endpoints, go by the order of their ids: no two transactions then wait
        for each other.
        """

    def delete(self, endpoint_id: UUID) -> None:
        """Remove an endpoint with its deliveries."""

    def subscribed(
        self, event: EventType, *, tenant_id: UUID | None, owner_id: UUID | None
    ) -> list[Endpoint]:
        """Return the tenant's enabled endpoints that hear of this event of that key's jobs."""


class DeliveryRepository(Protocol):
    """What was and will be sent to endpoints."""

    def add(self, delivery: Delivery) -> None:
        """Store a pending delivery."""

    def get(self, delivery_id: UUID) -> Delivery | None:
        """Return the delivery, or ``None``."""

    def page(
        self,
        endpoint_id: UUID,
        *,
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[Delivery]:
        """Return deliveries, newest first."""

    def attempts(self, delivery_id: UUID) -> list[Attempt]:
        """Return the attempts of a delivery in order."""

    def claim(self, delivery_id: UUID, *, now: datetime, lease: timedelta) -> Delivery | None:
        """Take a pending delivery that is due, with a new attempt number, or return ``None``.

        ``next_attempt_at`` becomes the end of the lease, so that the delivery of a lost sender is
        due again. Nothing is taken while the endpoint is throttled, or while there are
        ``ATTEMPTS_AT_ONCE`` under way at it.
        """

    def claim_next(self, endpoint_id: UUID, *, now: datetime, lease: timedelta) -> Delivery | None:
        """Take the endpoint's delivery that is due for the longest, under the same conditions."""

    def record(
        self,
        attempt: Attempt,
        *,
        state: DeliveryState,
        next_attempt_at: datetime | None,
    ) -> bool:
        """Log an attempt and set what follows; ``False`` when a later claim took over.

        A delivery that becomes delivered gets the attempt's time as ``delivered_at``.
        """

    def due(self, *, now: datetime, limit: int) -> list[UUID]:
        """Return ids of pending deliveries whose time has come, ``ATTEMPTS_AT_ONCE`` an endpoint.

        A throttled endpoint has none. Those that wait behind are for ``claim_next``.
        """

    def redeliver(self, delivery_id: UUID, *, now: datetime) -> None:
        """Make a delivery pending and due, with its whole schedule before it.

        ``attempt`` goes on counting and ``schedule_start`` is set to it, so that the numbers of the
        attempts stay unique.
        """

    def redeliver_range(
        self,
        endpoint_id: UUID,
        *,
        since: datetime,
        until: datetime,
        states: Collection[DeliveryState],
        now: datetime,
    ) -> list[UUID]:
        """Do so with all in these states that were created in this range, its end excluded.

        Returns their ids. Those that are pending stay as they are.
        """


class WebhookSender(Protocol):
    """Carries signed events to endpoints."""

    def new_key(self) -> str:
        """Draw a key pair for the asymmetric signature, in the form of ``Endpoint.signing_key``."""

    def check(self, url: str) -> None:
        """Refuse a URL that webhooks must not reach. Raises: InvalidRequestError."""

    def send(self, endpoint: Endpoint, delivery: Delivery, *, at: datetime) -> Attempt:
        """Make one attempt; the attempt holds every failure of the other side."""
