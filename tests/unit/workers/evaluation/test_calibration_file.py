from __future__ import annotations

from workers.evaluation.calibration_file import read_calibration, write_calibration


def test_entries_come_back_as_they_were_written(tmp_path):
    path = tmp_path / "calibration.toml"
    entries = {
        "model-a": {"dimension": 128, "match": 0.55, "fitted_on": 'faces "of" nobody'},
        "model-b": {"dimension": 512, "knots": [-1.5, 0.0, 2.25]},
    }
    write_calibration(path, entries)
    assert read_calibration(path) == entries
    assert path.read_text().startswith("#")
