"""What came of an attempt, in words that may be shown: never the receiver's own."""

from __future__ import annotations

from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpcore

from app.domain.delivery import MAX_RETRY_AFTER, THROTTLES
from app.webhooks.connection import AddressRefusedError, InsecureError, NameUnknownError

if TYPE_CHECKING:
    from datetime import datetime

#: Everything that the other side, or the way to it, can cause.
FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)

#: The first that fits is reported.
_DESCRIPTIONS: tuple[tuple[type[Exception], str], ...] = (
    (AddressRefusedError, "The host has an address that webhooks may not reach."),
    (NameUnknownError, "The host name has no address."),
    (InsecureError, "No secure connection: the certificate must be valid for the host."),
    (httpcore.TimeoutException, "No answer in time."),
    (httpcore.ConnectError, "No connection."),
    (httpcore.ProtocolError, "The answer is not HTTP."),
    (httpcore.NetworkError, "The connection broke."),
)


def describe_failure(error: Exception) -> str:
    """Say why no answer came."""
    return next(text for kind, text in _DESCRIPTIONS if isinstance(error, kind))


def describe_status(status: int) -> str | None:
    """Say why a status is a failure; ``None`` for 2xx, which alone is not."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"Answered {status}; redirects are not followed."
    return f"Answered {status}."


def retry_after_s(status: int, header: bytes, *, at: datetime) -> int | None:
    """Return the wait in seconds that a throttling answer asks for, if it does.

    The header's value is a number of seconds or a date (RFC 9110, 10.2.3); any other is ignored,
    and so is whatever goes beyond ``MAX_RETRY_AFTER``.
    """
    text = header.decode("ascii", "replace").strip()
    if status not in THROTTLES or not text:
        return None
    try:
        if text.isdecimal():
            wait = timedelta(seconds=int(text))
        else:
            wait = _in_utc(parsedate_to_datetime(text)) - at
    except (ValueError, OverflowError):
        return None
    return round(min(max(wait, timedelta()), MAX_RETRY_AFTER).total_seconds())


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
