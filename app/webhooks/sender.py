"""Makes attempts over HTTP."""

from __future__ import annotations

import json
import ssl
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import certifi
import httpcore

from app.domain.delivery import Attempt
from app.domain.errors import InvalidRequestError
from app.webhooks.addresses import may_reach
from app.webhooks.connection import (
    GuardedBackend,
    NameUnknownError,
    resolve,
)
from app.webhooks.outcome import FAILURES, describe_failure, describe_status, retry_after_s
from app.webhooks.signature import generate_signing_key, signed_headers
from app.webhooks.target import Target, parse_target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.domain.delivery import Delivery, Endpoint
    from app.webhooks.addresses import Network

#: Standard Webhooks 1.0.0, "Payload size".
_MAX_BODY = 20_000


class HttpWebhookSender:
    """Sends signed events by POST.

    Redirects are failures, and proxies of the environment are not used: both would connect to
    unchecked addresses.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        allow_http: bool = False,
        allowed_networks: Sequence[Network] = (),
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """Set the bounds.

        ``timeout_s`` is for a whole attempt, from the look-up of the name to the end of the answer.
        ``trust`` takes the place of the system's certificate authorities and certifi's.
        """
        self._timeout_s = timeout_s
        self._allow_http = allow_http
        self._allowed = tuple(allowed_networks)
        if trust is None:
            trust = ssl.create_default_context()
            trust.load_verify_locations(certifi.where())
        self._trust = trust

    def new_key(self) -> str:
        """See :meth:`app.services.ports.WebhookSender.new_key`."""
        return generate_signing_key()

    def check(self, url: str) -> None:
        """Refuse a URL that webhooks must not reach.

        A name that has no address yet passes; what it resolves to is checked at every attempt.
        Raises: InvalidRequestError.
        """
        target = parse_target(url, allow_http=self._allow_http)
        if not self._allowed and target.is_internal:
            raise InvalidRequestError(
                "The URL's host is a name of an internal network. Use a public name."
            )
        try:
            addresses = resolve(target.host, timeout_s=self._timeout_s)
        except (NameUnknownError, httpcore.ConnectTimeout):
            return
        if not all(may_reach(address, self._allowed) for address in addresses):
            raise InvalidRequestError(
                "The URL's host has an address that webhooks may not reach. Use a public address."
            )

    def send(self, endpoint: Endpoint, delivery: Delivery, *, at: datetime) -> Attempt:
        """Make one attempt; the attempt holds every failure of the other side."""
        attempt = Attempt(delivery_id=delivery.id, number=delivery.attempt, at=at)
        body = json.dumps(delivery.payload, separators=(",", ":")).encode()
        if len(body) >= _MAX_BODY:
            return replace(attempt, error="The body is too large.")
        try:
            target = parse_target(endpoint.url, allow_http=self._allow_http)
        except InvalidRequestError as error:
            return replace(attempt, error=error.detail)
        headers = {
            "host": target.authority,
            "user-agent": "Vultus",
            "content-type": "application/json",
            "connection": "close",
            **signed_headers(delivery.id, body, at=at, secrets=endpoint.signing_secrets(at)),
        }
        start = time.monotonic()
        try:
            status, retry_after = self._post(target, headers, body)
        except FAILURES as error:
            attempt = replace(attempt, error=describe_failure(error))
        else:
            attempt = replace(
                attempt,
                status_code=status,
                error=describe_status(status),
                retry_after_s=retry_after_s(status, retry_after, at=at),
            )
        return replace(attempt, duration_ms=round((time.monotonic() - start) * 1000))

    def _post(self, target: Target, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Return the status and the Retry-After header of the answer."""
        url = httpcore.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode(),
        )
        backend = GuardedBackend(timeout_s=self._timeout_s, allowed=self._allowed)
        with (
            httpcore.ConnectionPool(ssl_context=self._trust, network_backend=backend) as pool,
            pool.stream("POST", url, headers=list(headers.items()), content=body) as response,
        ):
            # The status is the answer. The rest is read for the receiver's sake, who may take a
            # closed connection for an error, and it may be long, slow or broken.
            with suppress(*FAILURES):
                for _ in response.iter_stream():
                    pass
            headers_by_name = {name.lower(): value for name, value in response.headers}
            return response.status, headers_by_name.get(b"retry-after", b"")
