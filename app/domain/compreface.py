"""Applications and their services: a way to give each use of the models a key of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class ServiceType(StrEnum):
    """What the key of a service opens."""

    RECOGNITION = "recognition"
    DETECTION = "detection"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A named group of services."""

    id: UUID
    tenant_id: UUID
    #: Unique within the tenant.
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One use of the models, with one key; its id owns the jobs that are made with the key."""

    id: UUID
    tenant_id: UUID
    application_id: UUID
    #: Unique within the application.
    name: str
    type: ServiceType
    #: SHA-256 of the key, a UUID in lower case. The key itself is shown once and never stored.
    key_hash: bytes
    #: Where a recognition service keeps its subjects; it lives and dies with the service.
    collection_id: UUID | None = None
    created_at: datetime
