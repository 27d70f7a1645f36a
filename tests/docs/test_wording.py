"""The pages speak of the product, briefly, and agree with the files that they quote."""

from __future__ import annotations

import re
import tomllib

import pytest
from description import DESCRIPTION
from pages import CHANGELOG, DOCS, PAGES, PROJECT, README, Page, page

_ONE_SCREEN = 64
_ONE_PAGE_WORDS = 700
#: Places of one machine, hosts of package registries, leftovers, and names that this project
#: does not use.
_FORBIDDEN = re.compile(
    r"/work/|/home/\w|/Users/|pypi\.org|pythonhosted|\bTODO\b|\bFIXME\b|\bTBD\b|\bXXX\b"
    r"|\bgallery\b|\bgalleries\b|\bkeypoints?\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("shown", PAGES, ids=str)
def test_no_page_holds_a_forbidden_word(shown):
    assert _FORBIDDEN.findall(shown.text) == []


def test_the_readme_fits_a_screen_and_begins_with_one_bold_sentence():
    assert len(README.text.splitlines()) <= _ONE_SCREEN
    first = README.text.split("\n\n")[1]
    assert re.fullmatch(r"\*\*[^*.]*\.\*\*", first, re.DOTALL)


def test_the_folder_map_has_a_row_for_every_folder_of_the_project():
    mapped = {row[0].strip("`/") for row in README.rows() if row[0].startswith("`")}
    assert mapped == {"app", "workers", "tasks", "models_weights", "deploy", "tests"}


DECISIONS = [Page(path) for path in sorted((DOCS / "decisions").glob("0*.md"))]


@pytest.mark.parametrize("decision", DECISIONS, ids=str)
def test_a_decision_has_its_three_parts_on_a_page(decision):
    title, *parts = decision.headings()
    assert title.startswith(f"{int(decision.path.name[:4])}. ")
    assert parts == ["Context", "Decision", "Consequences"]
    assert len(decision.text.split()) <= _ONE_PAGE_WORDS


def test_every_decision_is_listed():
    listed = Page(DOCS / "decisions" / "README.md").links()
    assert listed == [decision.path.name for decision in DECISIONS]


def test_the_version_is_the_same_everywhere():
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", CHANGELOG.text, re.MULTILINE)[1]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert newest == project["version"] == DESCRIPTION["info"]["version"]


def test_the_models_and_thresholds_that_are_described_are_those_beside_the_weights():
    calibration = tomllib.loads((PROJECT / "models_weights/calibration.toml").read_text())
    manifest = tomllib.loads((PROJECT / "models_weights/manifest.toml").read_text())
    origins = {entry["id"]: entry for entry in manifest["weights"]}
    thresholds, cards = (
        {first.partition(" (")[0].strip("`"): cells for first, *cells in page(name).rows()}
        for name in ("recognition", "models")
    )
    for model, entry in calibration.items():
        match, possible, fitted_on = thresholds[model]
        _, dimension, training_set, licence = cards[model]
        assert (float(match), float(possible)) == (entry["match"], entry["possible"])
        assert fitted_on == entry["fitted_on"] or not entry["fitted_on"]
        assert int(dimension) == entry["dimension"]
        assert training_set == origins[model]["training_set"]
        assert licence == origins[model]["licence"]
