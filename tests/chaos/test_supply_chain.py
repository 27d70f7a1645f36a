"""What is installed was locked, all of it is listed, and none of it is known to be unsafe."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import distributions

from packaging.version import Version

from deploy.local.paths import PROJECT

#: The oldest releases without a known hole that could be reached from here. A floor stands in for
#: an audit, whose advisories are not served everywhere.
_FLOORS = {
    "celery": "5.2.2",  # CVE-2021-23727: code from the result backend
    "flower": "1.2.0",  # CVE-2022-30034: OAuth and the API without a password
    "pillow": "12.3",  # CVE-2026-59203 and others: loops and memory in decoders
    "torch": "2.10",  # CVE-2025-32434, CVE-2026-24747: code from weights
    "waitress": "3.0.1",  # CVE-2024-49768: requests read twice
    "werkzeug": "3.0.6",  # CVE-2024-49767: memory by multipart forms
}
#: Came with the environment itself, before the locks.
_OWN = {"pip", "setuptools", "wheel"}


def _installed():
    return {
        _normal(distribution.metadata["Name"]): distribution.version
        for distribution in distributions()
    }


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def _locked():
    text = (PROJECT / "deploy" / "requirements" / "dev.txt").read_text()
    return set(re.findall(r"^([a-z0-9][\w.-]*)==", text, re.MULTILINE)) | {"torch", "torchvision"}


def _below_floor(versions):
    return [name for name, floor in _FLOORS.items() if Version(versions[name]) < Version(floor)]


def test_what_runs_is_locked_listed_and_above_every_floor(tmp_path, finding):
    bom = tmp_path / "sbom.json"
    tool = f"{sys.prefix}/bin/cyclonedx-py"
    subprocess.run([tool, "environment", "--output-file", bom, sys.executable], check=True)
    listed = {
        _normal(component["name"]): component["version"]
        for component in json.loads(bom.read_text())["components"]
    }
    installed = _installed()
    unlisted = {name for name in installed if listed.get(name) != installed[name]} - _OWN
    unlocked = set(installed) - _locked() - _OWN
    low = _below_floor(installed)

    # What `pip install facenet-pytorch` chooses by the pins of its newest release
    naive = _below_floor({**installed, "torch": "2.2.2", "pillow": "10.2.0"})
    finding(
        test="T26",
        promise="Everything installed is locked with hashes, listed, and above every known hole",
        n=len(installed),
        figure=f"{len(unlisted)} not in the bill of materials, {len(unlocked)} not locked,"
        f" {len(low)} below a floor",
        passed=not unlisted and not unlocked and not low,
        naive=f"facenet-pytorch's own pins bring {' and '.join(sorted(naive))} with known holes",
        naive_failed=bool(naive),
    )
