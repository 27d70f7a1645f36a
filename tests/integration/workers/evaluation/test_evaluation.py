"""The whole measurement on a few photographs of the real data, through the real models."""

from __future__ import annotations

import json

from click.testing import CliRunner

from workers.evaluation import __main__ as evaluation
from workers.evaluation.__main__ import main

_PEOPLE = 8
_PAIRS = 40


def test_real_people_are_told_apart_and_the_last_line_says_so(small_data, tmp_path):
    run = CliRunner().invoke(
        main, [str(small_data), "--out", str(tmp_path), "--matcher", "nearest"]
    )
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["verification"]["pairs"] == _PAIRS
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


def test_a_measurement_without_plots_needs_no_matplotlib(small_data, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "find_spec", lambda _: None)
    refused = CliRunner().invoke(main, [str(small_data), "--out", str(tmp_path / "a")])
    assert refused.exit_code == 1
    assert "pass --no-plots" in refused.stderr
    assert not (tmp_path / "a").exists()
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    for entry in small_data.iterdir():
        if entry.name != "identification.csv":
            (pairs / entry.name).symlink_to(entry)
    run = CliRunner().invoke(main, [str(pairs), "--out", str(tmp_path / "b"), "--no-plots"])
    assert run.exit_code == 0, run.output
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["report.json"]
    assert json.loads(run.stdout.splitlines()[-1])["identification"] == {}
