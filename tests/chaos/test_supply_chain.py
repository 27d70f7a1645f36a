"""What is installed was locked, all of it is listed, and none of it is known to be unsafe."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import distributions

import psycopg
import pytest
from packaging.version import Version

from deploy.local import redis
from deploy.local.paths import PROJECT

#: The oldest releases without a known hole that could be reached from here. A floor stands in for
#: an audit, whose advisories are not served everywhere.
_FLOORS = {
    "celery": "5.2.2",  # CVE-2021-23727: code from the result backend
    "cryptography": "44.0.1",  # CVE-2024-12797: OpenSSL in its wheels
    "flask": "3.1.1",  # CVE-2025-47278: keys in the wrong order
    "flower": "1.2.0",  # CVE-2022-30034: OAuth and the API without a password
    "h11": "0.16",  # CVE-2025-43859: chunks read twice
    "idna": "3.7",  # CVE-2024-3651: time for a name
    "jinja2": "3.1.6",  # CVE-2025-27516: code from templates
    "opencv-python-headless": "4.8.1.78",  # CVE-2023-4863: libwebp in its wheels
    "pillow": "12.3",  # CVE-2026-59203 and others: loops and memory in decoders
    "requests": "2.32.4",  # CVE-2024-47081: passwords sent to others
    "torch": "2.10",  # CVE-2025-32434, CVE-2026-24747: code from weights
    "tornado": "6.5",  # CVE-2025-47287: time for the log of a form
    "urllib3": "2.6",  # CVE-2025-66418: decompression without end
    "waitress": "3.0.1",  # CVE-2024-49768: requests read twice
    "werkzeug": "3.0.6",  # CVE-2024-49767: memory by multipart forms
}
#: Of the embedded servers.
_SERVER_FLOORS = {
    "valkey": "8.1.4",  # CVE-2025-49844: code by EVAL
    "vector": "0.8.4",  # wrong indexes after VACUUM, and a buffer overflow before 0.8.2
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


def _servers(database_url):
    told = subprocess.run(
        [redis.program(), "--version"], capture_output=True, text=True, check=True
    )
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        query = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
        [(vector,)] = connection.execute(query).fetchall()
    return {"valkey": re.search(r"v=([\d.]+)", told.stdout)[1], "vector": vector}


def _below_floor(versions, floors=_FLOORS):
    return [name for name, floor in floors.items() if Version(versions[name]) < Version(floor)]


def test_what_runs_is_locked_listed_and_above_every_floor(tmp_path, database_url, finding):
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
    low = _below_floor(installed) + _below_floor(_servers(database_url), _SERVER_FLOORS)

    # What `pip install facenet-pytorch` chooses by the pins of its newest release
    naive = _below_floor({**installed, "torch": "2.2.2", "pillow": "10.2.0"})
    finding(
        test="T26",
        promise="Everything installed is locked with hashes, listed, and above every known hole",
        n=len(installed),
        figure=f"{len(unlisted)} not in the bill of materials, {len(unlocked)} not locked,"
        f" {len(low)} below {len(_FLOORS) + len(_SERVER_FLOORS)} floors",
        passed=not unlisted and not unlocked and not low,
        naive=f"facenet-pytorch's own pins bring {' and '.join(sorted(naive))} with known holes",
        naive_failed=bool(naive),
    )


@pytest.mark.timeout(1200)
def test_the_lock_installs_where_nothing_is(tmp_path, tier, finding):
    if tier != "full":
        pytest.skip("installing every package takes minutes: --tier full")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "clean"], check=True)
    install = [
        tmp_path / "clean" / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--no-input",
        "--quiet",
    ]
    again = "--force-reinstall"  # what is there already is not looked at
    strictly = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    lock = PROJECT / "deploy" / "requirements" / "dev.txt"
    installed = subprocess.run([*install, *strictly, "-r", lock], check=False)

    other = tmp_path / "other.txt"
    digests = "0" * 64
    other.write_text(f"idna==3.20 --hash=sha256:{digests}\n")
    tampered = subprocess.run(
        [*install, *strictly, again, "-r", other], check=False, capture_output=True
    )
    other.write_text("idna==3.20\n")
    naive = subprocess.run([*install, "--no-deps", again, "-r", other], check=False)
    finding(
        test="T26",
        promise="The lock installs in a clean environment, from wheels with their hashes alone",
        n=len(_locked()),
        figure=f"exit status {installed.returncode}; with another hash {tampered.returncode}",
        passed=installed.returncode == 0 and tampered.returncode != 0,
        naive=f"without hashes anything of that name is taken: exit status {naive.returncode}",
        naive_failed=naive.returncode == 0,
    )
