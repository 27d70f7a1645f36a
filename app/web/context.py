"""What a request handler may reach for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app, g

from app.domain.audit import Actor, ActorKind

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.access import ApiKey
    from app.web.collection_memory import CollectionMemory
    from app.web.key_ring import KeyRing


def container() -> Container:
    """Return the container, which acts for the tenant of the request's key once that is known."""
    return cast("Container", g.get("container") or current_app.extensions["container"])


def act_for(key: ApiKey) -> None:
    """Let the rest of the request see the things of the key's tenant alone, in the key's name."""
    g.container = container().acting_for(key.tenant_id, Actor(ActorKind.KEY, key.id))


def key_ring() -> KeyRing:
    """Return the application's memory of keys."""
    return cast("KeyRing", current_app.extensions["key_ring"])


def collection_memory() -> CollectionMemory:
    """Return the application's memory of collections."""
    return cast("CollectionMemory", current_app.extensions["collection_memory"])


def current_key() -> ApiKey:
    """Return the key that the request came with; only operations that need one may ask."""
    return cast("ApiKey", g.key)
