"""What is described of results is what the types say that they are written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from description import DESCRIPTION, resolved

from app.domain.documents import required_keys
from app.domain.job import RESULTS
from app.domain.problem import Problem
from app.domain.reembedding import ReembeddingReport

_PLAIN = {
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
}
_NULL = {"type": "null"}
_SCHEMAS = DESCRIPTION["components"]["schemas"]


def agree(schema, kind, where, *, optional=False):
    """Compare a schema with an annotation; what is left out without a value is never null."""
    if isinstance(kind, UnionType):
        [kind] = (one for one in get_args(kind) if one is not NoneType)
        if not optional:
            *choices, nothing = schema["anyOf"]
            assert nothing == _NULL, where
            [schema] = choices
    schema = resolved(schema)
    if is_dataclass(kind):
        agree_on_members(schema, kind, where)
    elif get_origin(kind) is tuple:
        assert schema["type"] == "array", where
        agree(schema["items"], get_args(kind)[0], f"{where}[]")
    elif get_origin(kind) is Mapping:
        agree(schema["additionalProperties"], get_args(kind)[1], f"{where}{{}}")
    elif issubclass(kind, Enum):
        assert schema["enum"] == [one.value for one in kind], where
    elif issubclass(kind, tuple):  # a point
        assert schema["items"] == {"type": "number"}, where
        assert schema["minItems"] == schema["maxItems"] == len(kind._fields), where
    else:
        assert schema.items() >= _PLAIN[kind].items(), where


def agree_on_members(schema, kind, where):
    required = required_keys(kind)
    more = {"errors"} if kind is Problem else set()  # of answers, which are described together
    assert set(schema["properties"]) == {one.name for one in fields(kind)} | more, where
    assert set(schema["required"]) == required, where
    for name, hint in get_type_hints(kind).items():
        member = schema["properties"][name]
        agree(member, hint, f"{where}.{name}", optional=name not in required)


@pytest.mark.parametrize("job_type", RESULTS)
def test_every_result_is_described_as_it_is_written(job_type):
    reference = _SCHEMAS["JobResource"]["discriminator"]["mapping"][job_type]
    *described, nothing = resolved({"$ref": reference})["properties"]["result"]["anyOf"]
    assert nothing == _NULL
    for schema, kind in zip(described, RESULTS[job_type], strict=True):
        agree(schema, kind, kind.__name__)


def test_the_report_of_a_change_of_model_is_described_as_it_is_written():
    member = _SCHEMAS["ReembeddingResource"]["properties"]["report"]
    agree(member, ReembeddingReport | None, "report")


def test_a_difference_is_found():
    schema = _SCHEMAS["DetectionResult"]
    kind = RESULTS["detection"][0]
    for changed in (
        {"properties": {}},
        {"required": []},
        {
            "properties": {
                "images": {"type": "array", "items": {"$ref": "#/components/schemas/RankedImage"}}
            }
        },
    ):
        with pytest.raises(AssertionError):
            agree({**schema, **changed}, kind, "changed")
