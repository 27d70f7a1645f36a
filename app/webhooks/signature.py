"""The signatures of Standard Webhooks 1.0.0: symmetric ``v1`` and asymmetric ``v1a``."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.delivery import SECRET_PREFIX, SIGNING_KEY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID


def signed_headers(
    message_id: UUID, body: bytes, *, at: datetime, secrets: Iterable[str]
) -> dict[str, str]:
    """Return the three headers under which exactly these bytes are to be sent.

    The id stays the same over all attempts, the timestamp (whole seconds) is that of this one. Each
    secret and each key pair gives one signature, in order, so that receivers may hold any of them
    during a rotation.
    Source: Standard Webhooks 1.0.0, "Webhook Metadata" and "Signature scheme".
    """
    timestamp = str(int(at.timestamp()))
    content = b".".join((str(message_id).encode(), timestamp.encode(), body))
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_sign(secret, content) for secret in secrets),
    }


def generate_signing_key() -> str:
    """Draw a key pair for ``v1a``: ``whsk_`` and base64 of the seed and the public key."""
    private = Ed25519PrivateKey.generate()
    pair = private.private_bytes_raw() + private.public_key().public_bytes_raw()
    return SIGNING_KEY_PREFIX + base64.b64encode(pair).decode()


def _sign(secret: str, content: bytes) -> str:
    if secret.startswith(SIGNING_KEY_PREFIX):
        pair = base64.b64decode(secret.removeprefix(SIGNING_KEY_PREFIX), validate=True)
        signature = Ed25519PrivateKey.from_private_bytes(pair[:32]).sign(content)
        return "v1a," + base64.b64encode(signature).decode()
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
