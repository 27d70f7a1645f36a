"""One decorator for what every operation does before it starts, and for its documentation."""

from __future__ import annotations

from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Response

from app.api.http.auth import authenticate
from app.api.http.inputs import read_json, read_query
from app.api.http.swagger import parameters, register_model
from app.api.schemas.base import Schema
from app.api.schemas.problems import ProblemResource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask_restx import Namespace

    from app.domain.access import Scope

F = TypeVar("F", bound="Callable[..., Response]")


class NoParameters(Schema):
    """A query without parameters."""


def operation(
    ns: Namespace,
    *,
    scope: Scope,
    answers: Mapping[int, type[Schema] | None],
    query: type[Schema] = NoParameters,
    body: type[Schema] | None = None,
    problems: tuple[int, ...] = (),
    doc: Mapping[str, Any] | None = None,
) -> Callable[[F], F]:
    """Make a method of a resource an operation of the API.

    Checks the key for the scope, then reads the query and the JSON body and passes them as
    ``query`` and ``body`` where there are such. ``answers`` gives the schema of each status of
    success; ``problems`` the statuses of errors beside those that every operation may answer with.
    """

    def decorate(handler: F) -> F:
        @wraps(handler)
        def call(resource: object, **path: object) -> Response:
            authenticate(scope)
            arguments = dict(path)
            parsed = read_query(query)
            if query is not NoParameters:
                arguments["query"] = parsed
            if body is not None:
                arguments["body"] = read_json(body)
            return handler(resource, **arguments)

        _document(call, ns, scope, answers, query, body, problems, doc or {})
        return call  # type: ignore[return-value]

    return decorate


def answer(
    document: Schema, status: int = 200, headers: Mapping[str, str] | None = None
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


def _document(
    call: Callable[..., Response],
    ns: Namespace,
    scope: Scope,
    answers: Mapping[int, type[Schema] | None],
    query: type[Schema],
    body: type[Schema] | None,
    problems: tuple[int, ...],
    doc: Mapping[str, Any],
) -> None:
    problem = register_model(ns, ProblemResource)
    for status, schema in answers.items():
        model = register_model(ns, schema) if schema is not None else None
        ns.response(int(status), HTTPStatus(status).phrase, model)(call)
    bodily = (413, 415) if body is not None else ()
    for status in sorted({400, 401, 403, 500, 503, 507, *bodily, *problems}):
        ns.response(status, HTTPStatus(status).phrase, problem)(call)
    if body is not None:
        ns.expect(register_model(ns, body), validate=False)(call)
    described = dict(doc)
    described["params"] = parameters(query, place="query") | dict(described.get("params", {}))
    described["description"] = " ".join(
        part for part in (described.get("description"), f"Needs a key of scope {scope}.") if part
    )
    ns.doc(**described)(call)
