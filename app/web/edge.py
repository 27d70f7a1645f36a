"""What every request and every answer goes through."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING
from uuid import uuid4

from flask import g, request

from app import observability
from app.domain.audit import ActorKind
from app.web.context import known_caller

if TYPE_CHECKING:
    from flask import Flask, Response

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
#: What every answer of the service carries, unless its view says otherwise.
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

_logger = logging.getLogger("app.access")


def register(app: Flask) -> None:
    """Give requests their id and answers their headers, and log each pair."""
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_forget)


def request_id_of(stated: str | None) -> str:
    """Return the id that a caller gives a request, or a new one where it cannot be one."""
    return stated if stated and _REQUEST_ID.fullmatch(stated) else str(uuid4())


def _begin() -> None:
    g.began = time.perf_counter()
    g.request_id = request_id_of(request.headers.get("X-Request-Id"))
    observability.request_id.set(g.request_id)
    # Flask-RESTX would parse field masks from anyone; nothing here is marshalled by it.
    request.environ.pop("HTTP_X_FIELDS", None)


def _finish(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = g.request_id
    _logger.info(
        "answered",
        extra={
            "action": "request.answer",
            "method": request.method,
            "route": request.url_rule.rule if request.url_rule else None,
            "status": response.status_code,
            "duration_ms": round((time.perf_counter() - g.began) * 1000, 1),
            "key_id": _key_id(),
        },
    )
    return response


def _key_id() -> str | None:
    caller = known_caller()
    return str(caller.actor.id) if caller and caller.actor.kind is ActorKind.KEY else None


def _forget(_: BaseException | None) -> None:
    observability.request_id.set(None)
    observability.job_id.set(None)
