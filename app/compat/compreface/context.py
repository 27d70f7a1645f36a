"""Whose request it is: the service behind the key, and what it may do here."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from flask import g, request

from app.compat.compreface.errors import CompreFaceError, constraint
from app.compat.compreface.usecases.applications import find_service
from app.compat.compreface.usecases.calls import count_call
from app.domain.access import Scope
from app.domain.audit import Actor, ActorKind
from app.domain.caller import Caller
from app.domain.compreface import ServiceType
from app.domain.errors import NotFoundError
from app.domain.naming import as_uuid
from app.web.context import act_for, current_container

if TYPE_CHECKING:
    from app.domain.compreface import Service

_KEY_LENGTH = 36
#: The calls that its statistics count, whatever becomes of them.
_COUNTED = ("/recognition/recognize", "/detection/detect", "/verification/verify")
_TITLES = {
    ServiceType.RECOGNITION: "Recognition",
    ServiceType.DETECTION: "Detection",
    ServiceType.VERIFY: "Verification",
}


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
        g.service = find_service(key, wanted, uow=current_container().uow)
    except NotFoundError:
        raise service_not_found(wanted, stated) from None
    act_for(caller_of(g.service))
    if request.path.rstrip("/").endswith(_COUNTED):
        count_call(g.service.id, uow=current_container().uow, clock=current_container().clock)


def caller_of(service: Service) -> Caller:
    """Return the caller that a service's key makes of a client."""
    return Caller(
        actor=Actor(ActorKind.SERVICE, service.id),
        tenant_id=service.tenant_id,
        scope=Scope.WRITE,
        # No collection has the id of a service: one without a collection sees none.
        collection_id=service.collection_id or service.id,
    )


def service_not_found(wanted: ServiceType, stated: str) -> CompreFaceError:
    """Return the error for a key that opens no service of that type."""
    return CompreFaceError(
        10, f"{_TITLES[wanted]} service with API Key {stated} not found", HTTPStatus.NOT_FOUND
    )


def current_service() -> Service:
    """Return the service whose key the request came with."""
    return cast("Service", g.service)
