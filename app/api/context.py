"""What a request handler may reach for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app, g

if TYPE_CHECKING:
    from app.api.auth import KeyRing
    from app.bootstrap import Container
    from app.domain.access import ApiKey


def container() -> Container:
    """Return the container that the application was made with."""
    return cast("Container", current_app.extensions["container"])


def key_ring() -> KeyRing:
    """Return the application's memory of keys."""
    return cast("KeyRing", current_app.extensions["key_ring"])


def current_key() -> ApiKey:
    """Return the key that the request came with; only operations that need one may ask."""
    return cast("ApiKey", g.key)
