"""What a request handler may reach for, and whose request it is."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from flask import current_app, g, request

from app.compat.compreface.errors import CompreFaceError, constraint
from app.compat.compreface.usecases.applications import find_service
from app.compat.compreface.usecases.calls import count_call
from app.domain.audit import Actor, ActorKind
from app.domain.compreface import ServiceType
from app.domain.errors import NotFoundError
from app.domain.naming import as_uuid

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.compreface import Service

_KEY_LENGTH = 36
#: The calls that its statistics count, whatever becomes of them.
_COUNTED = ("/recognition/recognize", "/detection/detect", "/verification/verify")
_TITLES = {
    ServiceType.RECOGNITION: "Recognition",
    ServiceType.DETECTION: "Detection",
    ServiceType.VERIFY: "Verification",
}


def container() -> Container:
    """Return the container, which acts for the tenant of the service once that is known."""
    return cast("Container", g.get("container") or current_app.extensions["container"])


def authenticate(wanted: ServiceType) -> None:
    """Find the service of this request and keep it for ``current_service``.

    Raises: CompreFaceError: the key is missing, is none, or opens no such service.
    """
    stated = request.headers.get("x-api-key")
    if stated is None:
        raise CompreFaceError(20, "Missing header: x-api-key")
    key = as_uuid(stated.strip()) if len(stated) >= _KEY_LENGTH else None
    if key is None:
        raise constraint("Service API key should be UUID")
    try:
        g.service = find_service(key, wanted, uow=container().uow)
    except NotFoundError:
        raise service_not_found(wanted, stated) from None
    act_for(g.service)
    if request.path.rstrip("/").endswith(_COUNTED):
        count_call(g.service.id, uow=container().uow, clock=container().clock)


def act_for(service: Service) -> None:
    """Let the rest of the request see the things of the service's tenant alone, in its name."""
    g.container = container().acting_for(service.tenant_id, Actor(ActorKind.SERVICE, service.id))


def service_not_found(wanted: ServiceType, stated: str) -> CompreFaceError:
    """Return the error for a key that opens no service of that type."""
    return CompreFaceError(
        10, f"{_TITLES[wanted]} service with API Key {stated} not found", HTTPStatus.NOT_FOUND
    )


def current_service() -> Service:
    """Return the service whose key the request came with."""
    return cast("Service", g.service)
