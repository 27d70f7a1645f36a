"""API keys: who may do what, where."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domain.tenant import DEFAULT_TENANT_ID

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

_PREFIX = "vlt"


class Scope(StrEnum):
    """What a key permits; each scope includes those before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def covers(self, needed: Scope) -> bool:
        """Whether a key of this scope may make a call that needs the other."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A stored key; the secret itself is shown once and never stored."""

    id: UUID
    tenant_id: UUID = DEFAULT_TENANT_ID
    name: str
    #: The public part of the key, by which the row is found.
    public_id: str
    #: SHA-256 of the secret part. A fast hash is right for 256 random bits.
    secret_hash: bytes
    #: The secret before the last rotation, which opens the same until its time.
    previous_secret_hash: bytes | None = None
    previous_secret_until: datetime | None = None
    scope: Scope
    #: The one collection that the key opens; all of them when absent.
    collection_id: UUID | None = None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether the key still opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def accepts(self, secret: str, now: datetime) -> bool:
        """Compare a presented secret with those that are good now, in constant time."""
        presented = hash_secret(secret)
        good = [hmac.compare_digest(presented, self.secret_hash)]
        if self.previous_secret_hash is not None and self.previous_secret_until is not None:
            former = hmac.compare_digest(presented, self.previous_secret_hash)
            good.append(former and now < self.previous_secret_until)
        return any(good)


@dataclass(frozen=True, slots=True)
class Credential:
    """The two parts of a key as a caller presents it: ``vlt_<public id>_<secret>``."""

    public_id: str
    secret: str

    @classmethod
    def generate(cls) -> Credential:
        """Draw a new credential with 256 random bits."""
        return cls(secrets.token_hex(6), secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, text: str) -> Credential | None:
        """Split a presented key, or return ``None`` where it cannot be one."""
        prefix, _, rest = text.strip().partition("_")
        public_id, _, secret = rest.partition("_")
        if prefix != _PREFIX or not public_id.isalnum() or not public_id.isascii() or not secret:
            return None
        return cls(public_id, secret)

    def __str__(self) -> str:
        return f"{_PREFIX}_{self.public_id}_{self.secret}"


def hash_secret(secret: str) -> bytes:
    """Return the digest that is stored for a secret."""
    return hashlib.sha256(secret.encode()).digest()
