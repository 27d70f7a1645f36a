"""Everything under ``/admin``."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint

from app.compat.compreface.admin import applications, services, session
from app.compat.compreface.documents import answer
from app.compat.compreface.errors import CompreFaceError, answer_error, undefined

if TYPE_CHECKING:
    from flask import Response

_METHODS = ["GET", "POST", "PUT", "DELETE"]
#: What is done to users and their roles, who do not exist here.
_OF_USERS = (
    "/user/<path:_>",
    "/app/<app_id>/roles",
    "/app/<app_id>/assign-roles",
    "/app/<app_id>/invite",
    "/app/<app_id>/role",
    "/app/<app_id>/user/<path:_>",
    "/app/<app_id>/apikey",
)

admin = Blueprint("compreface_admin", __name__, url_prefix="/admin")


@admin.get("/status")
def status() -> Response:
    """Say that the administration answers."""
    return answer({"status": "OK"})


@admin.get("/config")
def config() -> Response:
    """Say that no mail is sent."""
    return answer({"mailServiceEnabled": False})


def refuse(**_: str) -> Response:
    """Refuse what needs users, or a key of an application, which opens nothing there either."""
    session.authenticate()
    raise CompreFaceError(9, "Action not allowed for current user")


for _rule in _OF_USERS:
    admin.add_url_rule(_rule, view_func=refuse, methods=_METHODS)


@admin.route("/<path:_>", methods=[*_METHODS, "PATCH"])
def unknown(_: str) -> Response:
    """Answer for paths and methods that nothing else answers for."""
    raise undefined(HTTPStatus.NOT_FOUND)


for _part in (session.routes, applications.routes, services.routes):
    admin.register_blueprint(_part)
admin.register_error_handler(Exception, answer_error)
