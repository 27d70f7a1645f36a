"""Reading and writing ``models_weights/calibration.toml``."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HEADER = """\
# How each model's cosines are read. `python -m workers.evaluation.fit` writes an entry from
# labelled pairs; the entry says from which. One with `fitted_on = ""` was taken over from the
# default model, because the model's weights have not been measured: run the fit before you rely
# on it.
"""


def read_calibration(path: Path) -> dict[str, dict[str, Any]]:
    """Return the entries by model id."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def write_calibration(path: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace the file; values are numbers, strings and lists of these."""
    blocks = [
        "\n".join([f"[{model}]", *(f"{key} = {json.dumps(value)}" for key, value in entry.items())])
        for model, entry in entries.items()
    ]
    path.write_text("\n".join([_HEADER, "\n\n".join(blocks), ""]), encoding="utf-8")
