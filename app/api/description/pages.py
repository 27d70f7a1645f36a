"""The description as a document, and as a page to read and to try it out."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, redirect, send_from_directory

from app.api.description.text import description_text
from app.domain.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.wrappers import Response as AnyResponse

_OURS = cast("Path", files(__package__) / "static")
#: Swagger UI, which can read OpenAPI 3.1; the one inside Flask-RESTX cannot.
_SWAGGER_UI = cast("Path", files("flask_swagger_ui") / "dist")
_FILES = {
    "start.js": _OURS,
    "swagger-ui.css": _SWAGGER_UI,
    "swagger-ui-bundle.js": _SWAGGER_UI,
    "favicon-32x32.png": _SWAGGER_UI,
}
#: Nothing but what this service itself sends; Swagger UI draws its icons from data URIs and sets
#: the styles of single elements.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

pages = Blueprint("description", __name__, url_prefix="/v1")


@pages.get("/openapi.json")
def description() -> Response:
    """Return the description."""
    return Response(description_text(), content_type="application/json")


@pages.get("/swagger.json")
def former_description() -> AnyResponse:
    """Send those who know the former address on."""
    return redirect("/v1/openapi.json", 308)


@pages.get("/docs")
def page() -> Response:
    """Return the page."""
    return Response(
        (_OURS / "page.html").read_bytes(),
        content_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": _POLICY},
    )


@pages.get("/docs/<name>")
def page_file(name: str) -> Response:
    """Return a script, a style or an image of the page."""
    if name not in _FILES:
        raise NotFoundError
    return send_from_directory(_FILES[name], name)
