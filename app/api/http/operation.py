"""One decorator for what every operation does before it starts, and for its description."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Response, request

from app.api.http.auth import authenticate
from app.api.http.inputs import read_json, read_query
from app.api.schemas.base import Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask_restx import Namespace
    from pydantic import BaseModel

    from app.api.http.uploads import UploadReader
    from app.domain.access import Scope

F = TypeVar("F", bound="Callable[..., Response]")


class NoParameters(Schema):
    """A query without parameters."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A group of operations in the description."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Media:
    """An answer that is no JSON document."""

    types: tuple[str, ...]
    schema: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What an operation declares of itself; the description is made from nothing else."""

    tag: Tag
    #: The least scope of the key that it needs; without one it needs no key.
    scope: Scope | None = None
    #: What each status of success answers with.
    answers: Mapping[int, type[BaseModel] | Media | None]
    query: type[Schema] = NoParameters
    headers: type[Schema] = NoParameters
    body: type[Schema] | None = None
    upload: UploadReader[Any] | None = None
    #: Statuses of errors beside those that every operation may answer with.
    problems: tuple[int, ...] = ()
    #: Whether the body may be left out, which says as much as one without members.
    body_optional: bool = False


def declared(view: Callable[..., object]) -> Operation | None:
    """Return what a function declares, or ``None`` where it is no operation of the API."""
    return getattr(view, "operation", None)


def describes(operation: Operation) -> Callable[[F], F]:
    """Declare a view that is no method of a resource."""

    def decorate(view: F) -> F:
        view.operation = operation  # type: ignore[attr-defined]
        return view

    return decorate


def operation(
    ns: Namespace,
    *,
    scope: Scope,
    answers: Mapping[int, type[BaseModel] | Media | None],
    query: type[Schema] = NoParameters,
    headers: type[Schema] = NoParameters,
    body: type[Schema] | None = None,
    upload: UploadReader[Any] | None = None,
    problems: tuple[int, ...] = (),
) -> Callable[[F], F]:
    """Make a method of a resource an operation of the API.

    Checks the key for the scope, then reads the query and the JSON body and passes them as
    ``query`` and ``body`` where there are such. A POST whose body needs no member may come without
    one; a PATCH says what to change. The other arguments are those of ``Operation``: ``headers``
    and ``upload`` are read by the method itself.
    """

    def decorate(handler: F) -> F:
        optional = body is not None and handler.__name__ == "post" and _needs_nothing(body)

        @wraps(handler)
        def call(resource: object, **path: object) -> Response:
            authenticate(scope)
            arguments = dict(path)
            parsed = read_query(query)
            if query is not NoParameters:
                arguments["query"] = parsed
            if body is not None:
                absent = optional and not request.get_data()
                arguments["body"] = body() if absent else read_json(body)
            return handler(resource, **arguments)

        call.operation = Operation(  # type: ignore[attr-defined]
            tag=Tag(ns.name, ns.description),
            scope=scope,
            answers=answers,
            query=query,
            headers=headers,
            body=body,
            upload=upload,
            problems=problems,
            body_optional=optional,
        )
        return call  # type: ignore[return-value]

    return decorate


def answer(
    document: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a document."""
    return Response(
        document.model_dump_json(),
        status=status,
        headers=headers,
        content_type="application/json",
    )


def answer_nothing() -> Response:
    """Answer that it is done."""
    return Response(status=HTTPStatus.NO_CONTENT)


def _needs_nothing(body: type[Schema]) -> bool:
    return not any(field.is_required() for field in body.model_fields.values())
