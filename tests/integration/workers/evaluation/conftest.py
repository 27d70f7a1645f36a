from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.local.paths import PROJECT

LFW = Path(os.environ.get("VULTUS_TEST_DATA", PROJECT.parent / "shared" / "data")).resolve() / "lfw"
PEOPLE = 8
PAIRS_OF_A_KIND = 20


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A folder that lists 40 pairs and 8 people, and links to their photographs."""
    if not (LFW / "pairs.csv").exists():
        pytest.skip(f"no labelled photographs at {LFW}; set VULTUS_TEST_DATA")
    folder = tmp_path_factory.mktemp("lfw")
    header, *pairs = (LFW / "pairs.csv").read_text().splitlines()
    chosen = [
        line
        for label in ("1", "0")
        for line in [line for line in pairs if line.endswith(f",{label}")][:PAIRS_OF_A_KIND]
    ]
    (folder / "pairs.csv").write_text("\n".join([header, *chosen]) + "\n")
    header, *rows = (LFW / "identification.csv").read_text().splitlines()
    enrolled = [line for line in rows if line.startswith("enrol")]
    people = sorted({line.split(",")[1] for line in enrolled})[:PEOPLE]
    known = [line for line in rows if line.split(",")[1] in people]
    strangers = [line for line in rows if line.startswith("stranger")][:PEOPLE]
    (folder / "identification.csv").write_text("\n".join([header, *known, *strangers]) + "\n")
    for person in LFW.iterdir():
        if person.is_dir():
            (folder / person.name).symlink_to(person)
    return folder
