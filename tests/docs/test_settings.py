from __future__ import annotations

import re

import pytest
from pages import PAGES, page
from pydantic_core import PydanticUndefined

from app.settings import Settings

SETTINGS = {f"VULTUS_{name.upper()}": field for name, field in Settings.model_fields.items()}
SHAPES = Settings.model_json_schema()["properties"]
_NOT_OF_THE_SERVICE = {"VULTUS_TEST_DATA"}


def _written(default):
    if default is PydanticUndefined:
        return "none, it is required"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{list(default) if isinstance(default, tuple) else default}`"


def test_every_setting_has_a_heading_and_every_heading_a_setting():
    described = {heading for heading in page("settings").headings() if "VULTUS_" in heading}
    assert described == set(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_default_and_the_bounds_that_are_described_are_those_of_the_code(name):
    first, *_ = page("settings").section(name).split("\n\n")
    assert first.startswith(f"Default: {_written(SETTINGS[name].default)}")
    shape = SHAPES[name.removeprefix("VULTUS_").lower()]
    bounds = [shape[word] for word in ("minimum", "exclusiveMinimum", "maximum") if word in shape]
    for word in [*(f"{bound:g}" for bound in bounds), *shape.get("enum", ())]:
        assert re.search(rf"(?<!\w){word}(?!\w)", first), word


@pytest.mark.parametrize("shown", PAGES, ids=str)
def test_every_setting_that_is_named_exists(shown):
    for name in re.findall(r"\bVULTUS_[A-Z_]*[A-Z]", shown.text):
        assert name.removesuffix("_FILE") in SETTINGS.keys() | _NOT_OF_THE_SERVICE, name
