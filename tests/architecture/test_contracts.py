"""Every import contract can fail: each is broken on purpose in a copy of the packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from deploy.local.paths import PROJECT

CONFIGURATION = PROJECT / "pyproject.toml"
CONTRACTS = tomllib.loads(CONFIGURATION.read_text())["tool"]["importlinter"]["contracts"]
LINT = "from importlinter.cli import lint_imports_command as lint; lint()"

#: Where a line is planted, the line, and the contracts that it breaks: as few as can be.
BREACHES = [
    ("app/catalogue/profiles.py", "import workers.heap", {"Calls go one way"}),
    ("app/imaging/inspect.py", "import app.catalogue.profiles", {"app is layered"}),
    ("app/compat/compreface/names.py", "import app.api.schemas.base", {"app is layered"}),
    (
        "app/web/edge.py",
        "import app.api.schemas.base",
        {"app is layered", "Imports go in no circle"},
    ),
    ("app/no_place_yet/__init__.py", "", {"app is layered"}),
    ("app/services/no_place_yet/__init__.py", "", {"Services are a ladder"}),
    (
        "app/services/webhooks/deliver.py",
        "import app.services.jobs.wait",
        {"Services are a ladder", "Imports go in no circle"},
    ),
    ("tasks/strangers.py", "import tasks.models", {"Imports go in no circle"}),
    ("workers/ports.py", "import workers.pipeline", {"Imports go in no circle"}),
    (
        "app/storage/jobs/bell.py",
        "import app.services.jobs.wait",
        {"Storage knows the ports of services, not what they do"},
    ),
    ("app/api/jobs.py", "import app.settings", {"Settings are read at the edges"}),
    ("tasks/runtime.py", "import app.settings", {"Settings are read at the edges"}),
    (
        "app/compat/another/__init__.py",
        "import app.compat.compreface.names",
        {"Foreign APIs do not know each other"},
    ),
    (
        "app/domain/naming.py",
        "import numpy",
        {"The domain and the services know no framework"},
    ),
    ("app/imaging/inspect.py", "import torch", {"The web image holds no model code"}),
    (
        "workers/heap.py",
        "import app.observability",
        {"Of the application, workers know only the domain, the catalogue and imaging"},
    ),
    ("workers/heap.py", "import redis", {"Workers know no framework of the service"}),
    (
        "workers/fetch_weights.py",
        "import workers.evaluation.rates",
        {"Nothing that serves needs the evaluation"},
    ),
    (
        "tasks/strangers.py",
        "import workers.evaluation.rates",
        {"Nothing that serves needs the evaluation"},
    ),
    ("tasks/strangers.py", "import flask", {"Tasks need no Flask"}),
    ("workers/networks/build.py", "import numpy", {"Networks are pure torch"}),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The packages without anything but their sources."""
    folder = tmp_path_factory.mktemp("packages")
    for package in ("app", "tasks", "workers"):
        for file in (PROJECT / package).rglob("*.py"):
            target = folder / file.relative_to(PROJECT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    return folder


def broken(copy):
    """Return the names of the contracts that the sources in the copy break."""
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--config", CONFIGURATION, "--cache-dir", copy / "cache"],
        cwd=copy,
        env=os.environ | {"COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = dict(re.findall(r"^(\S.*) (KEPT|BROKEN)\b", done.stdout, re.MULTILINE))
    assert found.keys() == {contract["name"] for contract in CONTRACTS}, done.stdout + done.stderr
    return {name for name, state in found.items() if state == "BROKEN"}


def test_the_sources_as_they_are_keep_every_contract(copy):
    assert broken(copy) == set()


@pytest.mark.parametrize(("place", "line", "contracts"), BREACHES)
def test_a_breach_breaks_its_contract_and_no_other(copy, place, line, contracts):
    file = copy / place
    before = file.read_text() if file.exists() else None
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{before or ''}\n{line}\n")
    try:
        assert broken(copy) == contracts
    finally:
        if before is None:
            shutil.rmtree(file.parent)
        else:
            file.write_text(before)


def test_every_contract_has_a_breach():
    assert set().union(*(contracts for *_, contracts in BREACHES)) == {
        contract["name"] for contract in CONTRACTS
    }
