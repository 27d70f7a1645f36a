"""The operations that an application serves, as its routes and their functions tell of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import getdoc
from typing import TYPE_CHECKING, Any

from app.api.http.operation import Operation, declared
from app.api.http.operation_ids import operation_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from werkzeug.routing import Rule

_METHODS = ("get", "put", "post", "patch", "delete")
_PARAMETER = re.compile(r"<(?:(?P<converter>\w+):)?(?P<name>\w+)>")
_SHAPES: dict[str | None, dict[str, Any]] = {
    None: {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
}
#: Things that the examples of bodies make, and those that are always there. Ids are given by the
#: service, so there is no example of them.
_PLACES = {"collection": "staff", "subject": "Ann", "number": 0, "slug": "not-found"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation at its address."""

    path: str
    method: str
    id: str
    summary: str
    text: str
    #: The parameters of the path, in order.
    places: list[dict[str, Any]]
    operation: Operation


def routes(app: Flask) -> Iterator[Route]:
    """Give every declared operation; those of version 1 come first, in the order of its tags."""
    rules = list(app.url_map.iter_rules())
    for rule in sorted(rules, key=lambda rule: not rule.rule.startswith("/v1/")):
        view = app.view_functions[rule.endpoint]
        resource = getattr(view, "view_class", None)
        for method in _METHODS:
            if method.upper() not in (rule.methods or ()):
                continue
            function = view if resource is None else getattr(resource, method)
            found = declared(function)
            if found is None:
                continue
            summary, _, text = (getdoc(function) or "").partition("\n")
            yield Route(
                path=_PARAMETER.sub(r"{\g<name>}", rule.rule),
                method=method,
                id=operation_id((resource or view).__name__, method),
                summary=summary,
                text=" ".join(text.split()),
                places=_places(rule, getattr(resource, "__apidoc__", {}).get("params", {})),
                operation=found,
            )


def _places(rule: Rule, described: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    places = []
    for found in _PARAMETER.finditer(rule.rule):
        name = found["name"]
        place = {"name": name, "in": "path", "required": True, "schema": _SHAPES[found[1]]}
        if name in described:
            place["description"] = described[name]["description"]
        if name in _PLACES:
            place["example"] = _PLACES[name]
        places.append(place)
    return places
