"""The whole measurement on a few photographs of the real data, through the real models."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from workers.evaluation.__main__ import main

_PROJECT = Path(__file__).resolve().parents[4]
_LFW = (
    Path(os.environ.get("VULTUS_TEST_DATA", _PROJECT.parent / "shared" / "data")).resolve() / "lfw"
)
_PEOPLE = 8
_PAIRS_OF_A_KIND = 20


@pytest.fixture(scope="module")
def small_data(tmp_path_factory):
    """A folder that lists a few pairs and people, and links to their photographs."""
    if not (_LFW / "pairs.csv").exists():
        pytest.skip(f"no labelled photographs at {_LFW}; set VULTUS_TEST_DATA")
    folder = tmp_path_factory.mktemp("lfw")
    header, *pairs = (_LFW / "pairs.csv").read_text().splitlines()
    chosen = [
        line
        for label in ("1", "0")
        for line in [line for line in pairs if line.endswith(f",{label}")][:_PAIRS_OF_A_KIND]
    ]
    (folder / "pairs.csv").write_text("\n".join([header, *chosen]) + "\n")
    header, *rows = (_LFW / "identification.csv").read_text().splitlines()
    enrolled = [line for line in rows if line.startswith("enrol")]
    people = sorted({line.split(",")[1] for line in enrolled})[:_PEOPLE]
    known = [line for line in rows if line.split(",")[1] in people]
    strangers = [line for line in rows if line.startswith("stranger")][:_PEOPLE]
    (folder / "identification.csv").write_text("\n".join([header, *known, *strangers]) + "\n")
    for person in _LFW.iterdir():
        if person.is_dir():
            (folder / person.name).symlink_to(person)
    return folder


def test_real_people_are_told_apart_and_the_last_line_says_so(small_data, tmp_path):
    run = CliRunner().invoke(
        main, [str(small_data), "--out", str(tmp_path), "--matcher", "nearest"]
    )
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["verification"]["pairs"] == 2 * _PAIRS_OF_A_KIND
    assert found["verification"]["accuracy"] >= 0.95
    assert found["identification"]["people"] == _PEOPLE
    assert found["identification"]["matchers"]["nearest"]["rank1"] >= 0.95
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {"roc.png", "det.png", "scores.png", "calibration.png", "identification.png"}
    assert json.loads((tmp_path / "report.json").read_text()) == found


def test_a_folder_without_lists_is_refused_in_a_sentence(tmp_path):
    run = CliRunner().invoke(main, [str(tmp_path)])
    assert run.exit_code == 1
    assert "neither a pairs.csv nor an identification.csv" in run.stderr
