"""JSON in and out."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import Any

from flask import Response, request

from app.compat.compreface.errors import empty_field, undefined


def answer(document: object, status: int = HTTPStatus.OK) -> Response:
    """Answer with a document."""
    return Response(json.dumps(document), status=status, content_type="application/json")


def json_value() -> Any:  # noqa: ANN401 - whatever was sent
    """Return the JSON body. Raises: CompreFaceError: another type of content, or no JSON."""
    if not request.is_json:
        raise undefined(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    try:
        return json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        raise undefined() from None


def json_object() -> dict[str, Any]:
    """Return the JSON body where it is an object. Raises: CompreFaceError."""
    value = json_value()
    if not isinstance(value, dict):
        raise undefined()
    return value


def vectors(value: object, name: str) -> list[list[float]]:
    """Return a member that is a list of embeddings. Raises: CompreFaceError."""
    if value is None or value == []:
        raise empty_field(name)
    if not isinstance(value, list):
        raise undefined()
    return [vector(one, name) for one in value]


def vector(value: object, name: str) -> list[float]:
    """Return a member that is an embedding. Raises: CompreFaceError."""
    if value is None or value == []:
        raise empty_field(name)
    if not isinstance(value, list) or not all(map(_is_number, value)):
        raise undefined()
    return [float(number) for number in value]


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < float("1e30")
        and math.isfinite(value)
    )
