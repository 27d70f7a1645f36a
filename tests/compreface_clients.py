"""CompreFace's clients, each in an environment of its own, and services for them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from shutil import which

import pytest

from deploy.local.paths import PROJECT

_CLIENTS = PROJECT / "var" / "clients"
_SCRIPTS = PROJECT / "tests" / "acceptance" / "compreface"
_NUMBERS = count(1)


def new_services(service, *kinds):
    """Make a service of each type, or of the types named; return their keys by type."""
    name = f"test {next(_NUMBERS)}"
    return {
        kind: service.run_cli("service", "create", "--app", name, "--name", kind, "--type", kind)
        for kind in kinds or ("recognition", "detection", "verify")
    }


def python_with(*requirements):
    """Give the interpreter of an environment with these packages, made once."""
    folder = _CLIENTS / requirements[0]
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        _run_or_skip(sys.executable, "-m", "venv", "--clear", str(folder))
        _run_or_skip(str(python), "-m", "pip", "install", "--quiet", *requirements)
        (folder / "complete").touch()
    return str(python)


def node_with(*packages):
    """Give the folder of a Node project with these packages, made once."""
    if which("npm") is None:
        pytest.skip("npm is not installed")
    folder = _CLIENTS / "node" / "+".join(packages).replace("/", "-")
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        _run_or_skip("npm", "install", "--silent", "--no-audit", *packages, cwd=folder)
        (folder / "complete").touch()
    return folder


def drive(command, plan, *, cwd=None):
    """Run a client's script and return the answers that it recorded."""
    ran = subprocess.run(
        command,
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=cwd,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])  # some clients print on their own


def script(name):
    return str(_SCRIPTS / name)


def _run_or_skip(*command, cwd=None):
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=cwd)
    if ran.returncode:
        pytest.skip(f"{' '.join(command[:4])} failed: {ran.stderr.strip()[-300:]}")


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        return None


@pytest.fixture
def photograph_url():
    """Serve a folder on loopback; return a function from a file in it to its URL."""
    servers = []

    def serve(file):
        handler = partial(QuietHandler, directory=str(Path(file).parent))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/{Path(file).name}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
