"""Webhook endpoints and what is sent to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


class EventType(StrEnum):
    """What an endpoint can be told of."""

    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    JOB_DEAD = "job.dead"
    ENDPOINT_TEST = "endpoint.test"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    #: To be sent at ``next_attempt_at``.
    PENDING = "pending"
    DELIVERED = "delivered"
    #: Every attempt of the schedule failed; it may be sent again by request.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A registered URL."""

    id: UUID
    url: str
    #: ``whsec_`` and base64 of the key of the signature; it never leaves the table but to sign.
    secret: str
    events: frozenset[EventType]
    #: The key that registered the endpoint: it hears of that key's jobs, or of all jobs when absent.
    owner_id: UUID | None = None
    enabled: bool = True
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one endpoint; its id is the receiver's key against duplicates."""

    id: UUID
    endpoint_id: UUID
    event: EventType
    #: The body that is sent: ids and states, never names, vectors or images.
    payload: Mapping[str, Any]
    state: DeliveryState = DeliveryState.PENDING
    #: The number of attempts so far; also the fencing token of a claim.
    attempt: int = 0
    next_attempt_at: datetime | None = None
    created_at: datetime
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try and what came of it."""

    delivery_id: UUID
    number: int
    at: datetime
    #: Absent when no answer came.
    status_code: int | None = None
    #: Why the try failed, in a few words; absent when it did not.
    error: str | None = None
    duration_ms: int = 0


#: Waits before the attempts after the first, about 75 hours in all: Standard Webhooks 1.0.0,
#: "Deliverability and reliability".
RETRY_DELAYS: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)


def retry_delay(attempt: int, *, jitter: float) -> timedelta | None:
    """Return the wait after the given failed attempt (1 is the first), or ``None`` after the last.

    ``jitter`` is a random number from 0 to 1: it lengthens the wait by up to a tenth, so that
    receivers that recover are not met by every sender at once.
    """
    if attempt > len(RETRY_DELAYS):
        return None
    return RETRY_DELAYS[attempt - 1] * (1 + jitter / 10)
