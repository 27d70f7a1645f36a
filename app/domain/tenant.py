"""Tenants: parties that share a service and never see one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime

#: The owner of everything that has no other tenant; it exists from the start.
DEFAULT_TENANT_ID = UUID(int=1)
DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A party with its own keys, collections, jobs, endpoints and applications."""

    id: UUID
    #: Unique.
    name: str
    created_at: datetime
