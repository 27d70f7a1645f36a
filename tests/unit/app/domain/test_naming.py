from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.naming import clean_name, collection_name, subject_name


@given(st.text())
def test_a_name_is_refused_or_can_be_stored(text):
    try:
        name = clean_name(text, limit=50)
    except ValueError:
        return
    assert 0 < len(name) <= 50
    assert name.encode().decode() == name
    assert "\x00" not in name
    assert clean_name(name, limit=50) == name


def test_composed_and_decomposed_names_are_one():
    assert subject_name("Zoe\u0308") == subject_name(" Zo\u00eb\t".replace("\t", " "))


@pytest.mark.parametrize(
    "text", ["a/b", ".", "..", "{0191e0a8-0000-7000-8000-000000000000}", "0" * 32]
)
def test_a_collection_is_not_called_like_a_path_or_an_id(text):
    with pytest.raises(ValueError, match="Must not"):
        collection_name(text)
