"""Who asks for something: what every use case needs to know, whichever door the request came by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.access import Scope
from app.domain.audit import Actor, ActorKind

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.access import ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The holder of an API key, a service of another system's API, or the command line."""

    #: The name in the audit trail.
    actor: Actor
    #: The one tenant whose things the caller sees.
    tenant_id: UUID
    #: What the caller may do; each scope includes those before it.
    scope: Scope
    #: The one collection that the caller sees; all of the tenant's when absent.
    collection_id: UUID | None = None
    #: The key or service that owns what the caller makes; the actor itself when absent.
    on_behalf_of: UUID | None = None

    @classmethod
    def of_key(cls, key: ApiKey) -> Caller:
        """Return the holder of a key."""
        return cls(
            actor=Actor(ActorKind.KEY, key.id),
            tenant_id=key.tenant_id,
            scope=key.scope,
            collection_id=key.collection_id,
        )

    @classmethod
    def of_command_line(cls, tenant_id: UUID, *, on_behalf_of: UUID | None = None) -> Caller:
        """Return the operator, who may do everything to one tenant's things."""
        return cls(
            actor=Actor(ActorKind.COMMAND_LINE),
            tenant_id=tenant_id,
            scope=Scope.ADMIN,
            on_behalf_of=on_behalf_of,
        )

    @property
    def owner_id(self) -> UUID | None:
        """The owner of the jobs, receipts and endpoints that the caller makes.

        Absent for the command line: global admin keys alone see what it makes.
        """
        return self.on_behalf_of or self.actor.id

    @property
    def is_global_admin(self) -> bool:
        """Whether the caller administers all that its tenant has."""
        return self.scope is Scope.ADMIN and self.collection_id is None

    @property
    def owner_filter(self) -> UUID | None:
        """Whose jobs and endpoints the caller sees: its own, or everyone's (``None``)."""
        return None if self.is_global_admin else self.require_owner_id()

    def require_owner_id(self) -> UUID:
        """Return the owner where there must be one. Raises: ValueError: there is none."""
        if self.owner_id is None:
            raise ValueError(f"The {self.actor.kind} must name the owner on whose behalf it acts.")
        return self.owner_id
