"""Every kind of problem that the service may answer with, by its slug."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, default_exceptions

from app.domain.errors import VultusError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class ProblemType:
    """What is the same for every occurrence of a problem."""

    slug: str
    title: str
    status: int
    description: str


#: Statuses of the framework that mean the same as one of our own errors.
_SHARED_SLUGS = {
    400: "invalid-request",
    401: "authentication-required",
    403: "permission-denied",
    404: "not-found",
    409: "conflict",
    413: "request-too-large",
    415: "unsupported-media-type",
    500: "internal-error",
    503: "service-unavailable",
}

_DESCRIPTIONS = {
    404: "Nothing is at this address. See /v1/docs for the addresses that exist.",
    405: "This address does not support the method. The Allow header lists those that it does.",
    413: "The request is too large or has too many parts. Send fewer or smaller images.",
}


def of_error(error: type[VultusError]) -> ProblemType:
    """Return the type of one of our own errors."""
    sentence = (error.__doc__ or error.title).strip().splitlines()[0]
    return ProblemType(error.slug, error.title, error.status, sentence)


def of_status(error: type[HTTPException]) -> ProblemType:
    """Return the type of an error of the framework."""
    status = HTTPStatus(error.code or 500)
    slug = _SHARED_SLUGS.get(status, status.phrase.lower().replace(" ", "-").replace("'", ""))
    description = _DESCRIPTIONS.get(status) or " ".join((error.description or "").split())
    return ProblemType(slug, status.phrase.capitalize(), status, description)


def all_types() -> dict[str, ProblemType]:
    """Return every type by its slug; our own stand before the framework's."""
    types = {error.code: of_status(error) for error in default_exceptions.values()}
    known = {kind.slug: kind for kind in types.values()}
    # Of errors that share a slug, the most general one describes it.
    ours = reversed(list(_with_subclasses(VultusError)))
    return known | {error.slug: of_error(error) for error in ours}


def _with_subclasses(error: type[VultusError]) -> Iterator[type[VultusError]]:
    yield error
    for child in error.__subclasses__():
        yield from _with_subclasses(child)
