"""The commands that fit and write, on a few photographs, with nothing of the tree changed."""

from __future__ import annotations

import shutil
import tomllib

import pytest
from click.testing import CliRunner

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from workers.evaluation import fit, int8_ranges, similarity
from workers.matching.cohort import cohort_path, read_cohort

MODEL = "facenet-msceleb-128"


@pytest.fixture
def calibration(tmp_path):
    return shutil.copy(DEFAULT_WEIGHTS_DIR / "calibration.toml", tmp_path / "calibration.toml")


def test_a_fit_writes_the_entry_and_the_cohort_of_its_model(small_data, calibration):
    before = tomllib.loads(calibration.read_text())
    run = CliRunner().invoke(fit.main, [str(small_data), "--calibration", str(calibration)])
    assert run.exit_code == 0, run.output
    after = tomllib.loads(calibration.read_text())
    own = after.pop(MODEL)
    assert own.keys() == before.pop(MODEL).keys()
    assert 0 < own["possible"] <= own["match"] < 1
    assert small_data.name in own["fitted_on"]
    assert after == before
    strangers, genuine = read_cohort(cohort_path(calibration.parent, MODEL))
    assert strangers.shape[1] == 128
    assert len(genuine) == 101
    assert f"cohort: {len(strangers)} strangers" in run.stdout


def test_the_curve_of_similarities_is_fitted_to_distances_that_are_written(small_data, tmp_path):
    run = CliRunner().invoke(similarity.main, [str(small_data), "--distances", str(tmp_path)])
    assert run.exit_code == 0, run.output
    curve = tomllib.loads(run.stdout)[MODEL]
    assert 0 < curve["c0"] < 2
    assert curve["c1"] > 0
    distances, same = similarity.read_distances(tmp_path / f"{MODEL}.csv")
    assert len(distances) == 40
    assert distances[same].mean() < distances[~same].mean()


def test_the_ranges_of_int8_are_those_of_the_layers_in_the_table_in_use(small_data, tmp_path):
    person = next(path for path in sorted(small_data.iterdir()) if path.is_dir())
    table = tmp_path / "int8.toml"
    run = CliRunner().invoke(int8_ranges.main, [str(person), "--table", str(table)])
    assert run.exit_code == 0, run.output
    measured = tomllib.loads(table.read_text())[MODEL]
    in_use = tomllib.loads((DEFAULT_WEIGHTS_DIR / "int8.toml").read_text())[MODEL]
    assert measured.keys() == in_use.keys()
    assert min(measured.values()) > 0


@pytest.mark.parametrize("command", [fit.main, similarity.main])
def test_a_folder_that_lists_no_pairs_is_refused_in_a_sentence(command, small_data, tmp_path):
    shutil.copy(small_data / "identification.csv", tmp_path)
    run = CliRunner().invoke(command, [str(tmp_path)])
    assert run.exit_code == 1
    assert run.stderr.endswith("lists no pairs. Add a pairs.csv, then try again.\n")


def test_a_fit_that_leaves_no_stranger_writes_nothing(small_data, calibration, tmp_path):
    before = calibration.read_text()
    folder = tmp_path / "data"
    folder.mkdir()
    for entry in small_data.iterdir():
        if entry.name != "identification.csv":
            (folder / entry.name).symlink_to(entry)
    rows = (f"stranger,{path.name},{path.name}/any.jpg" for path in folder.iterdir())
    (folder / "identification.csv").write_text("\n".join(["role,subject,file", *rows]) + "\n")
    run = CliRunner().invoke(fit.main, [str(folder), "--calibration", str(calibration)])
    assert run.exit_code == 1
    assert "Add pairs of other people." in run.stderr
    assert calibration.read_text() == before
    assert not (tmp_path / "cohorts").exists()
