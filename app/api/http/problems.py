"""Every error as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response
from flask_restx import Api
from werkzeug.exceptions import HTTPException

from app.api.http.operation import Operation, Tag, describes
from app.api.http.problem_types import all_types, of_error, of_status
from app.api.http.rate_limit import rate_limit
from app.api.schemas.problems import FaultResource, ProblemResource, ProblemTypeResource
from app.domain.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    TooMuchWaitingError,
    ValidationFailedError,
    VultusError,
)
from app.web.context import current_container
from app.web.paths import encoded_path

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

    from app.api.http.problem_types import ProblemType

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 2

_logger = logging.getLogger(__name__)

pages = Blueprint("problems", __name__, url_prefix="/problems")


class ProblemApi(Api):
    """An Api whose errors are problem documents too; Flask-RESTX knows ``message`` bodies only."""

    def _register_apidoc(self, app: Flask) -> None:
        """Serve no page: the one of Flask-RESTX cannot show OpenAPI 3.1."""

    def handle_error(self, e: Exception) -> Any:  # noqa: ANN401 - as in the base class
        """Answer an error that was raised while one of the resources ran."""
        return answer_error(e)


def register(app: Flask) -> None:
    """Answer every error of the application in this form, and serve the problem types."""
    app.register_error_handler(Exception, answer_error)
    app.register_blueprint(pages)


def answer_error(error: Exception) -> ResponseReturnValue:
    """Return the problem document for an error."""
    if isinstance(error, RecursionError):
        error = InvalidRequestError("The document is nested too deeply. Send a flatter one.")
    if isinstance(error, HTTPException):
        return _answer_framework_error(error)
    if not isinstance(error, VultusError):
        _logger.error("a request failed", exc_info=error, extra={"action": "request.fail"})
        error = VultusError()
    elif error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _logger.warning("a request was refused: %s", error.slug, extra={"action": "request.refuse"})
    faults = error.faults if isinstance(error, ValidationFailedError) else ()
    headers: dict[str, str] = {}
    if error.retry_after_s is not None or error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(error.retry_after_s or _RETRY_AFTER_S)
    if isinstance(error, TooMuchWaitingError):
        headers |= rate_limit(error.quota, retry_after_s=error.retry_after_s)
    if isinstance(error, AuthenticationError):
        headers["WWW-Authenticate"] = 'Bearer realm="vultus"'
    return _problem(
        of_error(type(error)),
        detail=error.detail,
        errors=[FaultResource(detail=f.detail, pointer=f.pointer) for f in faults] or None,
        headers=headers,
    )


def type_uri(slug: str) -> str:
    """Return the absolute URI of a problem type."""
    return f"{current_container().settings.base_url.rstrip('/')}/problems/{slug}"


def _answer_framework_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    kind = of_status(type(error))
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in {"content-type", "content-length"}
    }
    if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", str(_RETRY_AFTER_S))
    return _problem(kind, detail=kind.description, errors=None, headers=headers)


def _problem(
    kind: ProblemType,
    *,
    detail: str,
    errors: list[FaultResource] | None,
    headers: dict[str, str],
) -> Response:
    document = ProblemResource(
        type=type_uri(kind.slug),
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=encoded_path(),
        errors=errors,
    )
    return Response(
        document.model_dump_json(exclude_none=True),
        status=kind.status,
        headers=headers,
        content_type=MEDIA_TYPE,
    )


@pages.get("/<slug>")
@describes(
    Operation(
        tag=Tag("problems", "What the types of problems mean."),
        answers={200: ProblemTypeResource},
        problems=(404,),
    )
)
def problem_type(slug: str) -> Response:
    """Say what a problem type means."""
    kind = all_types().get(slug)
    if kind is None:
        raise NotFoundError("This problem type does not exist.")
    document = ProblemTypeResource(
        type=type_uri(kind.slug),
        title=kind.title,
        status=kind.status,
        description=kind.description,
    )
    return Response(document.model_dump_json(), content_type="application/json")
