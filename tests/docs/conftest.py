"""A folder as a reader of the documentation has it, beside the running service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import private_files
from deploy.local.paths import PROJECT, StateFolder
from deploy.local.stack import DATABASE, ROLE, embedded_servers


@pytest.fixture(scope="session")
def folder(service, photographs, tmp_path_factory):
    """A folder with what ``make up`` leaves in ``var``."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "var").mkdir()
    (folder / "var" / "access.json").symlink_to(service.state / "access.json")
    (folder / "var" / "samples").symlink_to(photographs[0].parents[2])
    return folder


@pytest.fixture
def type_in(folder, service):
    """Return a function that runs lines of a shell in that folder and returns what they print."""

    def run(script):
        script = script.replace("http://127.0.0.1:8000", service.base_url)
        return _run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=os.environ)

    return run


@pytest.fixture
def run_python(folder):
    """Return a function that runs a program in that folder and returns what it prints."""

    def run(program):
        return _run([sys.executable, "-c", program], cwd=folder, env=os.environ)

    return run


@pytest.fixture
def type_beside_service(service):
    """Return a function that runs a command with the settings of the running service."""
    state = StateFolder(service.state)
    secrets = private_files.read(state.secrets)
    postgres, redis = embedded_servers(state, private_files.read(state.ports), secrets)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VULTUS_DATABASE_URL": postgres.url(DATABASE, user=ROLE, password=secrets["database"]),
        "VULTUS_REDIS_URL": redis.url(),
        "VULTUS_SECRET_KEY": secrets["secret_key"],
    }
    environment.pop("VULTUS_TEST_DATA", None)

    def run(command):
        return _run(["bash", "-c", command], cwd=PROJECT, env=environment)

    return run


def _run(command, *, cwd, env):
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
