"""Frozen types as plain data, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import pytest

from app.domain.documents import Keys, from_document, required_keys, to_document


class Colour(StrEnum):
    RED = "red"


class Place(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    id: UUID
    place: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    colour: Colour
    at: datetime
    parts: tuple[Part, ...]
    weights: Mapping[str, float]
    note: str | None
    least: float | None = None
    sealed: bool = False
    other: Colour = Colour.RED


WHOLE = Whole(
    colour=Colour.RED,
    at=datetime(2026, 11, 22, 12, tzinfo=UTC),
    parts=(Part(id=UUID(int=1), place=Place(1.5, 2)), Part(id=UUID(int=2), place=None)),
    weights={"a": 0.5},
    note=None,
)
DOCUMENT = {
    "colour": "red",
    "at": "2026-11-22T12:00:00Z",
    "parts": [
        {"id": "00000000-0000-0000-0000-000000000001", "place": [1.5, 2]},
        {"id": "00000000-0000-0000-0000-000000000002", "place": None},
    ],
    "weights": {"a": 0.5},
    "note": None,
    "other": "red",
}


def test_a_document_is_plain_data():
    document = to_document(WHOLE)
    assert document == DOCUMENT
    assert json.loads(json.dumps(document)) == DOCUMENT
    assert type(document["colour"]) is str


def test_a_document_is_read_back():
    assert from_document(Whole, DOCUMENT) == WHOLE


def test_what_is_set_is_written_even_where_it_counts_as_false():
    document = {**DOCUMENT, "least": 0.0, "sealed": True}
    whole = from_document(Whole, document)
    assert (whole.least, whole.sealed) == (0.0, True)
    assert to_document(whole) == document


def test_unknown_keys_are_ignored():
    assert from_document(Whole, {**DOCUMENT, "later": {"a": 1}}) == WHOLE


def test_missing_and_null_keys_are_unset():
    document = {key: value for key, value in DOCUMENT.items() if key not in {"note", "other"}}
    assert from_document(Whole, document) == WHOLE
    assert from_document(Whole, {**document, "least": None, "sealed": None}) == WHOLE


def test_a_document_without_a_value_that_is_needed_is_refused():
    with pytest.raises(ValueError, match=r"^Whole lacks at, parts\.$"):
        from_document(Whole, {"colour": "red", "weights": {}})


def test_a_value_that_is_not_one_of_its_type_is_refused():
    with pytest.raises(ValueError, match="blue"):
        from_document(Whole, {**DOCUMENT, "colour": "blue"})


def test_an_unknown_word_is_kept_as_it_stands_where_that_is_asked_for():
    document = {**DOCUMENT, "colour": "blue"}
    whole = from_document(Whole, document, keep_unknown=True)
    assert (whole.colour, whole.other) == ("blue", Colour.RED)
    assert to_document(whole) == document
    assert from_document(Whole, DOCUMENT, keep_unknown=True) == WHOLE


def test_fields_without_a_default_are_in_every_document():
    assert required_keys(Whole) == {"colour", "at", "parts", "weights", "note"}


def test_a_key_is_known_by_its_field_and_no_other_is():
    assert Keys(Whole).note == "note"
    with pytest.raises(AttributeError):
        assert Keys(Whole).notes


def test_what_has_no_form_in_json_is_refused():
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Odd:
        raw: bytes

    with pytest.raises(TypeError, match="bytes has no form in JSON"):
        to_document(Odd(raw=b"x"))
