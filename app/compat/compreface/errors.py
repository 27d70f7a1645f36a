"""CompreFace's errors: ``{"message", "code"}`` with an HTTP status."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, request
from werkzeug.exceptions import HTTPException

from app.domain.errors import (
    ConsentRequiredError,
    ImageError,
    ImageTooLargeError,
    InvalidRequestError,
    LegalHoldError,
    NoFaceError,
    ServiceUnavailableError,
    SeveralFacesError,
    TooMuchWaitingError,
    VultusError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domain.problem import Problem

_LOG = logging.getLogger(__name__)
_RETRY_AFTER_S = 2


class CompreFaceError(Exception):
    """An answer of CompreFace that is no success."""

    def __init__(
        self,
        code: int,
        message: str,
        status: int = HTTPStatus.BAD_REQUEST,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code, self.message, self.status = code, message, int(status)
        self.headers = dict(headers or {})
        super().__init__(message)


def undefined(status: int = HTTPStatus.BAD_REQUEST) -> CompreFaceError:
    """Return what CompreFace answers when it has nothing better to say."""
    return CompreFaceError(0, "Something went wrong, please try again", status)


def empty_field(name: str) -> CompreFaceError:
    """Return the error for a member of a JSON body that is missing; ``name`` is Java's."""
    return CompreFaceError(5, f"Field {name} cannot be empty")


def constraint(sentence: str) -> CompreFaceError:
    """Return the error for a value out of its range."""
    return CompreFaceError(26, sentence)


def missing_parameter(name: str) -> CompreFaceError:
    """Return the error for a parameter that is neither in the URL nor in the form."""
    return CompreFaceError(33, f"Required parameter {name} is missing")


def missing_part(name: str) -> CompreFaceError:
    """Return the error for a form without its file."""
    return CompreFaceError(34, f"Required part {name} is missing")


def no_face() -> CompreFaceError:
    """Return the error for an image without faces, and for one that cannot be read."""
    return CompreFaceError(28, "No face is found in the given image")


def several_faces() -> CompreFaceError:
    """Return the error for an image that should show one face."""
    return CompreFaceError(31, "More than one face in the source image")


def subject_not_found(name: str) -> CompreFaceError:
    """Return the error for a subject that is not there."""
    return CompreFaceError(42, f"Subject {name} not found", HTTPStatus.NOT_FOUND)


def example_not_found(message: str) -> CompreFaceError:
    """Return the error for an example that is not there."""
    return CompreFaceError(44, message, HTTPStatus.NOT_FOUND)


def models_failed(reason: str) -> CompreFaceError:
    """Return the error for models that cannot do their part."""
    return CompreFaceError(
        41,
        f"Error during synchronization between servers: {reason}",
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def too_late(job_path: str) -> CompreFaceError:
    """Return the error for a job that goes on after its caller's time is up."""
    return CompreFaceError(
        41,
        f"Error during synchronization between servers: the answer takes longer; see {job_path}",
        HTTPStatus.SERVICE_UNAVAILABLE,
        {"Retry-After": str(_RETRY_AFTER_S), "Location": job_path},
    )


def changed_meanwhile() -> CompreFaceError:
    """Return the error for a result that went with people who were deleted before it was read."""
    return CompreFaceError(
        41,
        "Error during synchronization between servers: people were deleted while it ran",
        HTTPStatus.SERVICE_UNAVAILABLE,
        {"Retry-After": str(_RETRY_AFTER_S)},
    )


def of_problem(problem: Problem | None) -> CompreFaceError:
    """Return the error for what a job has failed with."""
    if problem is None:
        return models_failed("the job failed")
    kind = problem.type.rpartition("/")[2]
    if kind == SeveralFacesError.slug:
        return several_faces()
    if kind == ImageTooLargeError.slug:
        return constraint(problem.detail)
    if kind == ConsentRequiredError.slug:
        return CompreFaceError(0, problem.detail, ConsentRequiredError.status)
    if kind in _UNREADABLE:
        return no_face()
    return models_failed(problem.title.lower())


def of_error(error: Exception) -> CompreFaceError:
    """Return the answer for anything that is raised."""
    match error:
        case CompreFaceError():
            answered = error
        case HTTPException():
            answered = undefined(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        case ImageTooLargeError():
            answered = constraint(error.detail)
        case ImageError():
            answered = no_face()
        case InvalidRequestError():
            answered = constraint(error.detail)
        case ConsentRequiredError() | LegalHoldError():
            answered = CompreFaceError(0, error.detail, error.status)
        case ServiceUnavailableError() | TooMuchWaitingError():
            retry = {"Retry-After": str(error.retry_after_s or _RETRY_AFTER_S)}
            answered = CompreFaceError(0, error.detail, HTTPStatus.SERVICE_UNAVAILABLE, retry)
        case _:
            _LOG.error("a request failed", exc_info=error, extra={"action": "request.fail"})
            answered = undefined()
    return answered


def answer_error(error: Exception) -> Response:
    """Answer an error in CompreFace's form."""
    answered = of_error(error)
    return Response(
        json.dumps({"message": answered.message, "code": answered.code}),
        status=answered.status,
        headers=answered.headers,
        content_type="application/json",
    )


def method_not_supported() -> CompreFaceError:
    """Return the error for a path that exists for other methods."""
    return CompreFaceError(
        0, f"Request method '{request.method}' not supported", HTTPStatus.NOT_FOUND
    )


def _slugs(kind: type[VultusError]) -> set[str]:
    return {kind.slug}.union(*map(_slugs, kind.__subclasses__()))


_UNREADABLE = _slugs(ImageError) | {NoFaceError.slug}
