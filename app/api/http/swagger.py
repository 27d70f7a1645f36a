"""Pydantic's JSON schemas in the dialect of Swagger 2.0, which is what Flask-RESTX writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask_restx import Namespace

    from app.api.schemas.base import Schema

_REF = "#/definitions/"
#: Keywords that Swagger 2.0 does not know.
_DROPPED = frozenset({"examples", "title", "const"})
_NOT_OF_PARAMETERS = frozenset({"$ref", "allOf", "x-nullable", "example"})


def register_model(ns: Namespace, schema: type[Schema]) -> Any:  # noqa: ANN401 - RESTX has no types
    """Add a schema, and those it refers to, to a namespace; return the model for documentation."""
    document = _plain(schema)
    for name, part in document.pop("$defs", {}).items():
        if name not in ns.models:
            ns.schema_model(name, part)
    return ns.models.get(schema.__name__) or ns.schema_model(schema.__name__, document)


def parameters(schema: type[Schema], *, place: str) -> dict[str, dict[str, Any]]:
    """Return the members of a schema as documented parameters of a query or of a form."""
    document = _plain(schema)
    shared = document.get("$defs", {})
    described = {}
    for name, member in document.get("properties", {}).items():
        shape = member
        for part in (member, *member.get("allOf", ())):
            if reference := part.get("$ref"):
                shape = shared[reference.removeprefix(_REF)] | member
        described[name] = {
            keyword: value for keyword, value in shape.items() if keyword not in _NOT_OF_PARAMETERS
        } | {"in": place, "required": name in document.get("required", ())}
        if described[name].get("default", ...) is None:
            del described[name]["default"]
    return described


def _plain(schema: type[Schema]) -> dict[str, Any]:
    document = schema.model_json_schema(ref_template=f"{_REF}{{model}}")
    plain = _translated(document)
    if not isinstance(plain, dict):
        raise TypeError(f"{schema.__name__} is no object")
    return plain


def _translated(node: object) -> object:
    if isinstance(node, list):
        return [_translated(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "anyOf" in node:
        choices = [choice for choice in node["anyOf"] if choice != {"type": "null"}]
        rest = {keyword: value for keyword, value in node.items() if keyword != "anyOf"}
        return _translated(choices[0] | rest | {"x-nullable": True})
    # A member may be called like a keyword.
    plain = {
        keyword: (
            {name: _translated(member) for name, member in value.items()}
            if keyword in {"properties", "$defs"}
            else _translated(value)
        )
        for keyword, value in node.items()
        if keyword not in _DROPPED
    }
    return plain | {"example": node["examples"][0]} if "examples" in node else plain
