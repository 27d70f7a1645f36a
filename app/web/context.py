"""What a request handler may reach for, and who makes the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app, g

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.caller import Caller
    from app.web.collection_memory import CollectionMemory
    from app.web.key_ring import KeyRing


def current_container() -> Container:
    """Return the container, which acts for the caller once that is known."""
    return cast("Container", g.get("container") or current_app.extensions["container"])


def claim(caller: Caller) -> None:
    """Note who the request says it is from, before that is proved: a refusal is recorded for it."""
    g.claimed = caller


def act_for(caller: Caller) -> None:
    """Let the rest of the request see the things of the caller alone, and act in its name."""
    g.claimed = g.caller = caller
    g.container = current_app.extensions["container"].acting_for(caller.tenant_id, caller.actor)


def claimed_caller() -> Caller | None:
    """Return who the request says it is from; ``None`` if we do not know them."""
    return cast("Caller | None", g.get("claimed"))


def known_caller() -> Caller | None:
    """Return who makes the request; nothing where that is not proved."""
    return cast("Caller | None", g.get("caller"))


def current_caller() -> Caller:
    """Return who makes the request; for operations that need a key alone."""
    return cast("Caller", g.caller)


def key_ring() -> KeyRing:
    """Return the application's memory of keys."""
    return cast("KeyRing", current_app.extensions["key_ring"])


def collection_memory() -> CollectionMemory:
    """Return the application's memory of collections."""
    return cast("CollectionMemory", current_app.extensions["collection_memory"])
