"""The signature of Standard Webhooks 1.0.0, symmetric version ``v1``."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from app.domain.delivery import SECRET_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID


def signed_headers(
    message_id: UUID, body: bytes, *, at: datetime, secrets: Iterable[str]
) -> dict[str, str]:
    """Return the three headers under which exactly these bytes are to be sent.

    The id stays the same over all attempts, the timestamp (whole seconds) is that of this one. Each
    secret gives one signature, in order, so that receivers may hold either during a rotation.
    Source: Standard Webhooks 1.0.0, "Webhook Metadata" and "Signature scheme".
    """
    timestamp = str(int(at.timestamp()))
    content = b".".join((str(message_id).encode(), timestamp.encode(), body))
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_sign(secret, content) for secret in secrets),
    }


def _sign(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
