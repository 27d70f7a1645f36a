"""Parameters as CompreFace's clients send them: in the URL or in the form, and not too tidily."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from flask import request

from app.compat.compreface.errors import constraint, missing_parameter, undefined
from app.domain.naming import spellings

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES = (
    "limit",
    "prediction_count",
    "det_prob_threshold",
    "face_plugins",
    "status",
    "detect_faces",
    "distinct",
    "page",
    "size",
    "subject",
    "retrain",
)
#: A second question mark is an ampersand to clients that put URLs together by hand.
_SECOND_MARK = re.compile(rf"\?(?=(?:{'|'.join(_NAMES)})=)")
#: What an unset variable becomes in a template.
_UNSET = {"", "undefined", "null", "none"}
_TRUE = {"true", "on", "yes", "1"}
_FALSE = {"false", "off", "no", "0"}
_LARGEST = 2**31 - 1


class Parameters:
    """The parameters of the present request; unknown ones do not matter."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @classmethod
    def of_request(cls) -> Parameters:
        """Read the URL, then the form."""
        query = request.query_string.decode("utf-8", "replace")
        pairs = parse_qsl(_SECOND_MARK.sub("&", query), keep_blank_values=True, max_num_fields=100)
        return cls([*pairs, *request.form.items(multi=True)])

    def text(self, name: str) -> str | None:
        """Return a text as it was sent, the parts of a repeated one joined by commas."""
        return ",".join(self._values[name]) if name in self._values else None

    def subject(self) -> str:
        """Return the name of a subject. Raises: CompreFaceError: missing or blank."""
        name = self.text("subject")
        if name is None:
            raise missing_parameter("subject")
        if not name.strip():
            raise constraint("Subject name is empty; ")
        return storable(name)

    def whole(self, name: str, default: int, *, least: int, label: str) -> int:
        """Return a whole number. Raises: CompreFaceError: it is none, or too small."""
        value = self._stated(name)
        if value is None:
            return default
        try:
            number = int(value)
        except ValueError:
            raise undefined() from None
        if abs(number) > _LARGEST:
            raise undefined()
        if number < least:
            raise constraint(f"{label} should be equal or greater than {least}; ")
        return number

    def number(self, name: str) -> float | None:
        """Return a number. Raises: CompreFaceError: it is none."""
        value = self._stated(name)
        if value is None:
            return None
        try:
            return float(value)
        except ValueError:
            raise undefined() from None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value. Raises: CompreFaceError: it is none."""
        value = (self._stated(name) or "").lower()
        if not value:
            return default
        if value not in _TRUE | _FALSE:
            raise undefined()
        return value in _TRUE

    def plugins(self) -> frozenset[str]:
        """Return the plugins asked for, known or not."""
        listed = (self.text("face_plugins") or "").split(",")
        return frozenset(name.strip() for name in listed if name.strip())

    def _stated(self, name: str) -> str | None:
        value = self._values.get(name, [""])[0].strip()
        return None if value.lower() in _UNSET else value


def storable(name: str) -> str:
    """Return a name that a database can hold. Raises: CompreFaceError."""
    if not spellings(name):
        raise constraint("Subject name cannot be stored; ")
    return name


def detection_threshold(parameters: Parameters, *, default: float) -> float:
    """Return the least confidence, so that only a greater one than asked for is enough.

    A value outside 0 to 1 admits no face, as in CompreFace, which does not report it either.
    """
    stated = parameters.number("det_prob_threshold")
    threshold = default if stated is None else stated
    if not 0 <= threshold <= 1:
        return 2.0
    return math.nextafter(threshold, 2.0)
