from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field, create_model

from app.api.description.json_schemas import Schemas, example
from app.api.schemas.base import Change, Schema


class Wanted(Schema):
    name: Annotated[str, Field(examples=["staff"], description="How it is called.")]
    size: int = 5
    colour: Annotated[str | None, Field(examples=["red"])] = None


class Changed(Change):
    size: int = 5


def test_an_example_states_what_is_required_and_leaves_the_rest_to_the_defaults():
    assert example(Wanted) == {"name": "staff"}
    assert example(Changed) == {}


def test_a_required_member_without_an_example_is_named():
    unfinished = create_model("Unfinished", __base__=Schema, name=(str, ...))
    with pytest.raises(ValueError, match=r"Unfinished\.name is required"):
        example(unfinished)


def test_a_schema_has_no_titles_of_members_and_no_defaults_of_null():
    schemas = Schemas()
    assert schemas.refer(Wanted) == {"$ref": "#/components/schemas/Wanted"}
    members = schemas.components["Wanted"]["properties"]
    assert not [name for name, member in members.items() if "title" in member]
    assert members["size"]["default"] == 5
    assert "default" not in members["colour"]


def test_two_schemas_of_one_name_are_refused():
    schemas = Schemas()
    schemas.refer(Wanted)
    with pytest.raises(ValueError, match="Two schemas are called Wanted"):
        schemas.refer(create_model("Wanted", __base__=Schema))


def test_a_parameter_knows_no_null_and_has_no_example():
    name, size, colour = Schemas().parameters(
        Wanted, place="query", without_defaults=frozenset({"size"})
    )
    assert name == {
        "name": "name",
        "in": "query",
        "description": "How it is called.",
        "schema": {"type": "string"},
        "required": True,
    }
    assert size == {"name": "size", "in": "query", "schema": {"type": "integer"}}
    assert colour["schema"] == {"type": "string"}


def test_a_form_needs_its_files_alone():
    schemas = Schemas()
    file = {"type": "string", "format": "binary"}
    schemas.form("WantedForm", Wanted, files={"image": file})
    form = schemas.components["WantedForm"]
    assert form["required"] == ["image"]
    assert form["properties"]["image"] == file
    assert form["properties"]["size"] == {"type": "integer", "default": 5}


def test_a_change_has_no_defaults():
    schemas = Schemas()
    schemas.refer(Changed)
    assert schemas.components["Changed"]["properties"]["size"] == {"type": "integer"}
