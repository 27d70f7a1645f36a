"""API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.access import ApiKey


class KeyRepository(Protocol):
    """API keys."""

    def add(self, key: ApiKey) -> None:
        """Store a key."""

    def find(self, public_id: str) -> ApiKey | None:
        """Return the key with that public part, or ``None``."""

    def get(self, key_id: UUID) -> ApiKey | None:
        """Return the key, or ``None``."""

    def all(self) -> list[ApiKey]:
        """Return every key, oldest first."""

    def revoke(self, key_id: UUID, at: datetime) -> None:
        """Close a key for good."""
