"""Reading parameters and JSON bodies; everything wrong with them is reported at once."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, TypeVar

from flask import request
from pydantic import ValidationError

from app.api.schemas.base import Schema
from app.domain.errors import (
    Fault,
    InvalidRequestError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails
    from werkzeug.datastructures import MultiDict

S = TypeVar("S", bound=Schema)

_A_MOMENT = 'Must be a moment with an offset, such as "2026-05-01T12:00:00Z".'
#: Said of what no request can raise today.
_OTHERWISE = "Invalid. See /v1/docs for the form that it needs."
#: Our sentence for each of pydantic's kinds that the schemas of requests can raise.
_SENTENCES = {
    "missing": "Required. Add it.",
    "extra_forbidden": "Unknown here. Remove it.",
    "string_type": "Must be a string.",
    "float_type": "Must be a number.",
    "float_parsing": "Must be a number.",
    "finite_number": "Must be a finite number.",
    "int_type": "Must be a whole number.",
    "int_parsing": "Must be a whole number.",
    "int_parsing_size": "Must be a smaller number.",
    "int_from_float": "Must be a whole number.",
    "bool_type": "Must be true or false.",
    "bool_parsing": "Must be true or false.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
    "list_type": "Must be a list.",
    "tuple_type": "Must be a list.",
    "too_short": "Must hold at least {min_length}.",
    "too_long": "Must hold at most {max_length}.",
    "greater_than_equal": "Must be at least {ge:.15g}.",
    "less_than_equal": "Must be at most {le:.15g}.",
    "string_too_short": "Must not be empty.",
    "string_too_long": "Must have at most {max_length} characters.",
    "string_unicode": "Must be valid Unicode.",
    "string_pattern_mismatch": 'Must match "{pattern}".',
    "enum": "Must be one of {expected}.",
    "literal_error": "Must be one of {expected}.",
    "uuid_parsing": "Must be a UUID.",
    "uuid_type": "Must be a UUID.",
    "datetime_type": _A_MOMENT,
    "datetime_parsing": _A_MOMENT,
    "datetime_from_date_parsing": _A_MOMENT,
    "datetime_object_invalid": _A_MOMENT,
    "timezone_aware": _A_MOMENT,
    "value_error": "{error}",
}
_MAX_FAULTS = 20
#: How Python shows a member of an enum of strings.
_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")


def read_query(schema: type[S]) -> S:
    """Return the parameters of the URL. Raises: ValidationFailedError."""
    return validate(schema, single_values(request.args))


def read_json(schema: type[S]) -> S:
    """Return the JSON body.

    Raises: UnsupportedMediaTypeError. InvalidRequestError: it is no JSON. ValidationFailedError.
    """
    if not request.is_json:
        raise UnsupportedMediaTypeError(
            'The body is not JSON. Send it with "Content-Type: application/json".'
        )
    return parse_json(schema, request.get_data(cache=False))


def parse_json(schema: type[S], document: bytes) -> S:
    """Return a JSON document as a schema. Raises: InvalidRequestError, ValidationFailedError."""
    try:
        return schema.model_validate_json(document.removeprefix(BOM_UTF8), strict=True)
    except ValidationError as error:
        raise _explained(error) from None


def validate(schema: type[S], values: dict[str, object]) -> S:
    """Return parameters that came as text as a schema. Raises: ValidationFailedError."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise _explained(error) from None


def single_values(values: MultiDict[str, str]) -> dict[str, object]:
    """Return parameters that may be given once each. Raises: ValidationFailedError."""
    repeated = [name for name, given in values.lists() if len(given) > 1]
    if repeated:
        raise ValidationFailedError(
            [
                Fault(detail="Given more than once. Give it once.", pointer=pointer(name))
                for name in repeated
            ]
        )
    return dict(values.items())


def pointer(*path: str | int) -> str:
    """Return a JSON pointer as a URI fragment (RFC 6901, 6)."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "#" + "".join(f"/{step}" for step in steps)


def _explained(error: ValidationError) -> InvalidRequestError:
    details = error.errors(include_url=False, include_input=False)
    if details[0]["type"] == "json_invalid":
        reason = str(details[0].get("ctx", {}).get("error", "")) or "incomplete"
        return InvalidRequestError(f"The body is not valid JSON ({reason}). Correct it.")
    return ValidationFailedError(
        [
            Fault(detail=_sentence(detail), pointer=pointer(*detail["loc"]))
            for detail in [one for one in details if not _follows(one, details)][:_MAX_FAULTS]
        ]
    )


def _follows(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Return whether a list only counts as too short because some of its items are wrong."""
    path = detail["loc"]
    return detail["type"] == "too_short" and any(
        other["loc"][: len(path)] == path for other in details if other is not detail
    )


def _sentence(detail: ErrorDetails) -> str:
    values = dict(detail.get("ctx", {}))
    if detail["type"] == "literal_error":  # members of an enum stand there as Python shows them
        values["expected"] = _MEMBER.sub(r"\1", values["expected"])
    return _SENTENCES.get(detail["type"], _OTHERWISE).format_map(values)
