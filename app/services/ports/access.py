"""Tenants and API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.access import ApiKey
    from app.domain.tenant import Tenant


class TenantRepository(Protocol):
    """Tenants."""

    def add(self, tenant: Tenant) -> None:
        """Store a tenant. Raises: ConflictError: the name is taken."""

    def find(self, name: str) -> Tenant | None:
        """Return the tenant of that name, or ``None``."""

    def all(self) -> list[Tenant]:
        """Return every tenant, oldest first."""


class KeyRepository(Protocol):
    """API keys."""

    def add(self, key: ApiKey) -> None:
        """Store a key."""

    def find(self, public_id: str) -> ApiKey | None:
        """Return the key with that public part, whosever it is, or ``None``."""

    def get(self, key_id: UUID) -> ApiKey | None:
        """Return the key, or ``None``."""

    def all(self) -> list[ApiKey]:
        """Return every key, oldest first."""

    def another_admin(self, key_id: UUID, now: datetime) -> bool:
        """Tell whether another live key of the tenant administers all that it has; reads none."""

    def replace_secret(self, key: ApiKey) -> None:
        """Store the secrets of a key whose row is there."""

    def revoke(self, key_id: UUID, at: datetime) -> None:
        """Close a key for good."""
