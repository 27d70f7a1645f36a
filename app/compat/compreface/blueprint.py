"""Everything under ``/api/v1``."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, request

from app.compat.compreface import (
    detection,
    embeddings,
    faces,
    recognition,
    release_0_3,
    status,
    subjects,
    verification,
)
from app.compat.compreface.admin.blueprint import admin
from app.compat.compreface.documents import answer
from app.compat.compreface.errors import answer_error, method_not_supported

if TYPE_CHECKING:
    from flask import Flask

_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS, PUT, DELETE",
    "Access-Control-Allow-Headers": (
        "DNT,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,"
        "x-api-key"
    ),
    "Access-Control-Expose-Headers": "Content-Length,Content-Range",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_PREFLIGHT_S = 1_728_000

api = Blueprint("compreface", __name__, url_prefix="/api/v1")


@api.before_request
def _answer_preflight() -> Response | None:
    if request.method != "OPTIONS":
        return None
    return Response(
        status=HTTPStatus.NO_CONTENT, headers={"Access-Control-Max-Age": str(_PREFLIGHT_S)}
    )


@api.after_request
def _allow_other_origins(response: Response) -> Response:
    response.headers.update(_CORS)
    return response


@api.route("/<path:_>", methods=_METHODS)
def unknown(_: str) -> Response:
    """Answer for paths and methods that nothing else answers for."""
    adapter = current_app.create_url_adapter(request)
    others = (
        set()
        if adapter is None
        else {
            method
            for method in _METHODS
            if adapter.match(method=method, return_rule=True)[0].endpoint != request.endpoint
        }
    )
    if others - {"OPTIONS"}:
        raise method_not_supported()
    missing = HTTPStatus.NOT_FOUND
    return answer({"status": missing, "error": missing.phrase, "path": request.path}, missing)


for _part in (
    subjects.routes,
    faces.routes,
    faces.static,
    recognition.routes,
    embeddings.recognition,
    embeddings.verification,
    detection.routes,
    verification.routes,
    status.routes,
    release_0_3.routes,
):
    api.register_blueprint(_part)
api.register_error_handler(Exception, answer_error)


def register(app: Flask) -> None:
    """Serve CompreFace's API beside ours."""
    app.register_blueprint(api)
    app.register_blueprint(admin)
