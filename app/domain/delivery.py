"""Webhook endpoints and what is sent to them."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


#: What Standard Webhooks puts before the base64 of a symmetric key.
SECRET_PREFIX = "whsec_"  # noqa: S105 - the part of a secret that is known

#: What it puts before the base64 of an asymmetric pair, and of its public half.
SIGNING_KEY_PREFIX = "whsk_"
PUBLIC_KEY_PREFIX = "whpk_"


class EventType(StrEnum):
    """What an endpoint can subscribe to."""

    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    JOB_DEAD = "job.dead"
    #: Another endpoint was disabled by the service.
    ENDPOINT_DISABLED = "endpoint.disabled"
    ENDPOINT_TEST = "endpoint.test"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    #: To be sent at ``next_attempt_at``.
    PENDING = "pending"
    DELIVERED = "delivered"
    #: Every attempt of the schedule failed; it may be sent again by request.
    FAILED = "failed"


class DisableReason(StrEnum):
    """Why the service disabled an endpoint."""

    #: It answered 410 Gone.
    GONE = "gone"
    #: It took nothing for ``DISABLE_AFTER``.
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A registered URL."""

    id: UUID
    url: str
    #: The key of the signature, as from ``generate_secret``; it never leaves the table but to sign.
    secret: str = field(repr=False)
    #: The key pair of the asymmetric signature: ``whsk_`` and base64 of an ed25519 seed (32 bytes)
    #: and its public key (32 bytes). Absent from before there were any, until the next rotation.
    signing_key: str | None = field(default=None, repr=False)
    previous_signing_key: str | None = field(default=None, repr=False)
    #: The secret before the last rotation; it signs beside the new one until the moment below.
    previous_secret: str | None = field(default=None, repr=False)
    previous_secret_until: datetime | None = None
    #: EventType; what a later version knows besides stays text.
    events: frozenset[str]
    #: Whose it is; known once the endpoint is stored.
    tenant_id: UUID | None = None
    #: The key that registered the endpoint, which hears of its jobs; all the tenant's when absent.
    owner_id: UUID | None = None
    enabled: bool = True
    #: Absent while enabled, and when the owner disabled the endpoint.
    disabled_reason: DisableReason | None = None
    #: When the first of the failures began that no success has followed.
    failing_since: datetime | None = None
    #: Nothing is sent before this moment: the receiver was too busy.
    throttled_until: datetime | None = None
    created_at: datetime

    def signing_secrets(self, at: datetime) -> tuple[str, ...]:
        """Return the secrets and key pairs that sign at that moment, the newest first."""
        keys = [self.secret, self.signing_key]
        if self.previous_secret_until is not None and at < self.previous_secret_until:
            keys += [self.previous_secret, self.previous_signing_key]
        return tuple(key for key in keys if key is not None)

    @property
    def public_key(self) -> str | None:
        """What checks the asymmetric signature: ``whpk_`` and base64 of 32 bytes."""
        if self.signing_key is None:
            return None
        pair = base64.b64decode(self.signing_key.removeprefix(SIGNING_KEY_PREFIX), validate=True)
        return PUBLIC_KEY_PREFIX + base64.b64encode(pair[32:]).decode()

    def after(self, attempt: Attempt) -> Endpoint:
        """Return the endpoint after an attempt: disabled, when its failures are for good."""
        if not self.enabled:
            return self
        if attempt.succeeded:
            return replace(self, failing_since=None, throttled_until=None)
        since = self.failing_since or attempt.at
        reason = None
        if attempt.gone:
            reason = DisableReason.GONE
        elif attempt.at - since >= DISABLE_AFTER:
            reason = DisableReason.FAILING
        return replace(
            self,
            failing_since=since,
            throttled_until=attempt.throttled_until,
            enabled=reason is None,
            disabled_reason=reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one endpoint; its id is the receiver's key against duplicates."""

    id: UUID
    endpoint_id: UUID
    event: EventType
    #: The body that is sent: ids and states, never names, vectors or images.
    payload: Mapping[str, Any]
    state: DeliveryState = DeliveryState.PENDING
    #: The number of claims so far, over all redeliveries; also the fencing token of a claim.
    attempt: int = 0
    #: The value of ``attempt`` when the present schedule began: 0, or that of the last redelivery.
    schedule_start: int = 0
    next_attempt_at: datetime | None = None
    #: Until when a sender may be at it; absent when none is.
    leased_until: datetime | None = None
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
    #: The wait that the receiver asked for.
    retry_after_s: int | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took the event."""
        return self.error is None

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no event ever again."""
        return self.status_code == HTTPStatus.GONE

    @property
    def throttled_until(self) -> datetime | None:
        """Until when the receiver is to be left alone with every event; absent if it is not."""
        if self.status_code not in THROTTLES:
            return None
        return self.at + max(THROTTLE, timedelta(seconds=self.retry_after_s or 0))


def generate_secret() -> str:
    """Draw a signing secret: ``whsec_`` and base64 of 256 random bits."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


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


#: The answers of a receiver, or of what stands before it, that has too much to do: Standard
#: Webhooks 1.0.0, "Deliverability and reliability", and 503, which carries a Retry-After too.
THROTTLES = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)

#: How long nothing is sent after such an answer, unless it asks for longer.
THROTTLE = timedelta(seconds=5)

#: Attempts under way at one time at one endpoint: a slow one holds no more of the sender's threads.
ATTEMPTS_AT_ONCE = 2

#: How long an endpoint may take nothing before it is disabled.
DISABLE_AFTER = timedelta(days=5)

#: The longest wait that is granted to a receiver who asks for one.
MAX_RETRY_AFTER = timedelta(hours=24)


def retry_delay(
    failures: int, *, jitter: float, retry_after_s: int | None = None
) -> timedelta | None:
    """Return the wait after so many failed attempts (at least 1), or ``None`` after the last.

    ``jitter`` is a random number from 0 to 1: it lengthens the wait by up to a tenth, so that
    receivers that recover are not met by every sender at once. The wait that a receiver asked for
    is kept where it is the longer one.
    """
    if failures > len(RETRY_DELAYS):
        return None
    wait = max(RETRY_DELAYS[failures - 1], timedelta(seconds=retry_after_s or 0))
    return wait * (1 + jitter / 10)
