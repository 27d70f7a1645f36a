"""Pydantic's JSON schemas as the components, parameters and forms of an OpenAPI description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import core_schema

    from app.api.schemas.base import Schema

_PREFIX = "#/components/schemas/"
_NULL = {"type": "null"}


class _Concise(GenerateJsonSchema):
    """Leaves out the titles of members, which repeat their names, and defaults of null.

    A client that is generated from the description sends every default; a null that it sends
    says no more than silence.
    """

    def field_title_should_be_set(self, _: object) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        document = super().default_schema(schema)
        if document.get("default", ...) is None:
            del document["default"]
        return document


class Schemas:
    """The schemas of one description by their names."""

    def __init__(self) -> None:
        self.components: dict[str, dict[str, Any]] = {}

    def refer(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return a reference to a model, which becomes a component with all that it refers to."""
        return self.add(model.__name__, self._document(model))

    def add(self, name: str, document: dict[str, Any]) -> dict[str, Any]:
        """Make a document a component; return a reference to it.

        Raises: ValueError: another component has the name.
        """
        if self.components.setdefault(name, document) != document:
            raise ValueError(f"Two schemas are called {name}. Rename one.")
        return {"$ref": _PREFIX + name}

    def parameters(
        self, model: type[BaseModel], *, place: str, without_defaults: frozenset[str] = frozenset()
    ) -> list[dict[str, Any]]:
        """Return the members of a model as parameters of a place: ``query`` or ``header``.

        They have no examples, which a page would fill in and send. Nor do those named in
        ``without_defaults`` have defaults, which a generated client would send.
        """
        document = self._document(model)
        parameters = []
        for name, member in document.get("properties", {}).items():
            schema = _without_null(member)
            schema.pop("examples", None)
            if name in without_defaults:
                schema.pop("default", None)
            parameter = {"name": name, "in": place, "schema": schema}
            if description := schema.pop("description", None):
                parameter["description"] = description
            if name in document.get("required", ()):
                parameter["required"] = True
            parameters.append(parameter)
        return parameters

    def form(
        self, name: str, model: type[BaseModel], *, files: dict[str, dict[str, Any]]
    ) -> dict[str, Any]:
        """Return a reference to a form of required files and of the members of a model."""
        members = self._document(model).get("properties", {})
        texts = {member: _without_null(schema) for member, schema in members.items()}
        for schema in texts.values():
            schema.pop("examples", None)
        return self.add(
            name, {"type": "object", "properties": files | texts, "required": list(files)}
        )

    def _document(self, model: type[BaseModel]) -> dict[str, Any]:
        document = model.model_json_schema(
            ref_template=_PREFIX + "{model}", schema_generator=_Concise
        )
        for name, part in document.pop("$defs", {}).items():
            self.add(name, part)
        return document


def example(model: type[Schema]) -> dict[str, Any]:
    """Return the example that a model declares, or else its required members with theirs.

    Members with a default are left out, so that the example does what the defaults do.
    Raises: ValueError: a required member has no example.
    """
    if model.EXAMPLE is not None:
        return dict(model.EXAMPLE)
    document = model.model_json_schema()
    found = {}
    for name in document.get("required", ()):
        member = document["properties"][name]
        if "examples" not in member:
            raise ValueError(f"{model.__name__}.{name} is required. Give it an example.")
        found[name] = member["examples"][0]
    return found


def _without_null(member: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a member that comes as text, where absence stands for null."""
    rest = {keyword: value for keyword, value in member.items() if keyword != "anyOf"}
    choices = [choice for choice in member.get("anyOf", ()) if choice != _NULL]
    if len(choices) == 1:
        return {**choices[0], **rest}
    return rest | ({"anyOf": choices} if choices else {})
