"""Whether the process lives, and whether the service can take work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from app.api.http.operation import Operation, Tag, answer, describes
from app.api.schemas.health import LivenessResource, ReadinessResource, WorkingResource
from app.domain.errors import ServiceUnavailableError
from app.web.context import current_container

if TYPE_CHECKING:
    from flask import Response

page = Blueprint("health", __name__, url_prefix="/health")

#: Without these a submit cannot be stored.
_NEEDED = ("database", "migrations", "writable", "disk")

_TAG = Tag("health", "Whether the service lives, takes work and does it.")


def _set_aside() -> dict[str, int]:
    with current_container().uow() as work:
        return dict(work.setbacks.counts())


@page.get("/live")
@describes(Operation(tag=_TAG, answers={200: LivenessResource}))
def live() -> Response:
    """Answer while the process lives; no server is asked, as a restart would not mend one."""
    return answer(LivenessResource())


@page.get("/ready")
@describes(Operation(tag=_TAG, answers={200: ReadinessResource}))
def ready() -> Response:
    """Say whether submits can be stored; the broker is not needed for that."""
    parts = dict(current_container().check_parts())
    missing = [part for part in _NEEDED if not parts[part]]
    if missing:
        raise ServiceUnavailableError(f"These parts are not ready: {', '.join(missing)}.")
    return answer(ReadinessResource(parts=parts, set_aside=_set_aside()))


@page.get("/working")
@describes(Operation(tag=_TAG, answers={200: WorkingResource}))
def working() -> Response:
    """Say whether submitted jobs also run: for alarms, not for load balancers."""
    parts = dict(current_container().check_parts())
    missing = [part for part, works in parts.items() if not works]
    if missing:
        raise ServiceUnavailableError(f"These parts do not work: {', '.join(missing)}.")
    return answer(WorkingResource(parts=parts, set_aside=_set_aside()))
