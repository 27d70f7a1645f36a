"""What an operation answers: its successes, and the problems that it may have."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from app.api.http.operation import Media
from app.api.http.problems import MEDIA_TYPE
from app.api.schemas.headers import SubmitHeaders, WaitHeaders
from app.api.schemas.problems import ProblemResource

if TYPE_CHECKING:
    from pydantic import BaseModel

    from app.api.description.json_schemas import Schemas
    from app.api.http.operation import Operation

#: What the server answers before it knows the operation, and faults of the service.
_ALWAYS = (400, 408, 413, 431, 500, 503, 507)
_WITH_A_KEY = (401, 403)
_WITH_A_BODY = (415,)


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


_RETRY_AFTER = {"Retry-After": _header("Seconds after which to ask again.", "integer")}
_JOB_HEADERS = {"Location": _header("Where to read the job."), **_RETRY_AFTER}
_SUBMIT_HEADERS = {
    "RateLimit-Policy": _header("How many images may wait."),
    "RateLimit": _header("How many more images may come now."),
    "Idempotent-Replayed": _header('"true" where an earlier request made the job.'),
}
_PROBLEM_HEADERS = {
    401: {"WWW-Authenticate": _header("How to send a key.")},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
    507: _RETRY_AFTER,
}


def answers_of(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """Describe the answers by their status; problems refer to what ``problem_answers`` gives."""
    found = {
        str(int(status)): {
            "description": HTTPStatus(status).phrase,
            **_content(answer, schemas),
            **_headers(operation, status),
        }
        for status, answer in operation.answers.items()
    }
    for status in problem_statuses(operation):
        found[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    return found


def problem_statuses(operation: Operation) -> list[int]:
    """Return the statuses of every problem that an operation may answer with."""
    with_a_key = () if operation.scope is None else _WITH_A_KEY
    has_body = operation.body is not None or operation.upload is not None
    with_a_body = _WITH_A_BODY if has_body else ()
    return sorted({*_ALWAYS, *with_a_key, *with_a_body, *operation.problems})


def problem_answers(statuses: set[int], schemas: Schemas) -> dict[str, Any]:
    """Describe the problems of these statuses once for all operations."""
    content = {MEDIA_TYPE: {"schema": schemas.refer(ProblemResource)}}
    return {
        _name(status): {
            "description": HTTPStatus(status).phrase,
            "content": content,
            **({"headers": _PROBLEM_HEADERS[status]} if status in _PROBLEM_HEADERS else {}),
        }
        for status in sorted(statuses)
    }


def _content(answer: type[BaseModel] | Media | None, schemas: Schemas) -> dict[str, Any]:
    if answer is None:
        return {}
    if isinstance(answer, Media):
        return {"content": {kind: {"schema": dict(answer.schema)} for kind in answer.types}}
    return {"content": {"application/json": {"schema": schemas.refer(answer)}}}


def _headers(operation: Operation, status: int) -> dict[str, Any]:
    if not issubclass(operation.headers, WaitHeaders):
        return {}
    headers = dict(_JOB_HEADERS) if status == HTTPStatus.ACCEPTED else {}
    if issubclass(operation.headers, SubmitHeaders):
        headers |= _SUBMIT_HEADERS
    return {"headers": headers} if headers else {}


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "")
