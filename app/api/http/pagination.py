"""Cursors: opaque, bound to the listing that they came from, and without any authority."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, request

from app.api.http.page_tokens import PageTokens
from app.api.schemas.base import Page, PageQuery
from app.domain.errors import Fault, ValidationFailedError
from app.web.context import current_container
from app.web.paths import encoded_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel

T = TypeVar("T")

_OWN_PARAMETERS = frozenset({"page_size", "page_token"})


def read_position(query: PageQuery) -> list[str] | None:
    """Return the position in the listing that the page is to go on after, as it was written.

    Raises: ValidationFailedError: the token is not ours, or from a listing with other filters.
    """
    if query.page_token is None:
        return None
    try:
        digest, position = _tokens().read(query.page_token)
    except ValueError:
        raise _refused("Not a token of this service. Send one from next_page_token.") from None
    if not _tokens().is_of(_listing(), digest):
        raise _refused("Belongs to a listing with other filters. Begin again without it.")
    return position


def read_moment(query: PageQuery) -> tuple[datetime, UUID] | None:
    """Return a position that is a moment and an id. Raises: ValidationFailedError."""
    position = read_position(query)
    return (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None


def read_id(query: PageQuery) -> UUID | None:
    """Return a position that is an id. Raises: ValidationFailedError."""
    position = read_position(query)
    return UUID(position[0]) if position else None


def read_name(query: PageQuery) -> str | None:
    """Return a position that is a name. Raises: ValidationFailedError."""
    position = read_position(query)
    return position[0] if position else None


def answer_page(
    page: type[Page],
    found: Sequence[T],
    *,
    size: int,
    show: Callable[[T], BaseModel],
    position: Callable[[T], Sequence[object]],
) -> Response:
    """Answer a page; ``found`` holds one item more than the page where another page follows."""
    shown = found[:size]
    token = None
    headers = {}
    if len(found) > size:
        token = _tokens().write(_listing(), [_written(part) for part in position(shown[-1])])
        rest = {name: value for name, value in request.args.items() if name != "page_token"}
        target = f"{encoded_path()}?{urlencode(rest | {'page_token': token})}"
        headers["Link"] = f'<{target}>; rel="next"'
    document = page.model_validate(
        {"items": [show(item) for item in shown], "next_page_token": token}
    )
    excluded = {"next_page_token"} if token is None else None
    return Response(
        document.model_dump_json(exclude=excluded),
        headers=headers,
        content_type="application/json",
    )


def _written(part: object) -> str:
    return part.isoformat() if isinstance(part, datetime) else str(part)


def _listing() -> str:
    filters = sorted((k, v) for k, v in request.args.items() if k not in _OWN_PARAMETERS)
    return f"{encoded_path()}?{urlencode(filters)}"


def _tokens() -> PageTokens:
    return PageTokens(current_container().settings.secret_key.get_secret_value())


def _refused(detail: str) -> ValidationFailedError:
    return ValidationFailedError([Fault(detail=detail, pointer="#/page_token")])
