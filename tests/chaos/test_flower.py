"""T27: Flower shows nothing to whoever has no password, and lets nobody change anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import httpx
import psutil
import pytest
from flower.urls import handlers
from tornado.web import url

from deploy.local.paths import PROJECT
from deploy.local.ports import free_port
from deploy.local.supervision import ending_with_this_process
from tests.chaos.stack import wait_for

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_OPEN = "/healthcheck"
_WILD = re.compile(r"\(\.[*+]\)")


def _paths():
    """Give an address for each rule of Flower's, and some that have none."""
    patterns = [one.regex.pattern if isinstance(one, url) else one[0] for one in handlers]
    found = {_WILD.sub("celery@x", pattern.rstrip("$")).replace("/?", "") for pattern in patterns}
    return [*sorted(path for path in found if path.startswith("/")), "/nowhere", "//", "/static/"]


@pytest.fixture(scope="module")
def access(service):
    return json.loads((service.state / "access.json").read_text())


@pytest.fixture
def naive_url(service, tmp_path):
    """Flower as it comes, beside the same workers."""
    port = free_port()
    environment = {
        **{name: v for name, v in os.environ.items() if not name.startswith(("VULTUS_", "FLOWER"))},
        "PYTHONPATH": str(PROJECT),
        "VULTUS_DATABASE_URL": service.database_url(),
        "VULTUS_REDIS_URL": service.redis_url(),
        "VULTUS_SECRET_KEY": "k" * 32,
    }
    command = (sys.executable, "-m", "celery", "-A", "tasks.io_worker", "flower", f"--port={port}")
    with (tmp_path / "flower.log").open("wb") as log:
        process = subprocess.Popen(
            [*ending_with_this_process(), *command],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(lambda: _answers(port), what="Flower as it comes")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _answers(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}{_OPEN}", timeout=2).is_success
    except httpx.TransportError:
        return False


def _listening(address):
    port = httpx.URL(address).port
    return {
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
    }


def test_flower_is_closed_and_changes_nothing(service, access, naive_url, finding):
    address = access["flower_url"]
    login = (access["flower_user"], access["flower_password"])
    worker = f"inference@{os.uname().nodename}"
    open_to_all, tried = [], 0
    with httpx.Client(timeout=20, trust_env=False) as http:
        for path in _paths():
            for method in _METHODS:
                for wrong in (None, (login[0], "guessed"), ("", "")):
                    tried += 1
                    answer = http.request(method, address + path, auth=wrong)
                    if answer.status_code != 401 or (answer.text not in {"", "Access denied"}):
                        open_to_all.append((method, path, answer.status_code))
        orders = [
            f"/api/worker/shutdown/{worker}",
            f"/api/worker/pool/shrink/{worker}",
            f"/api/worker/queue/cancel-consumer/{worker}?queue=inference",
            "/api/task/async-apply/jobs.sweep",
            "/api/task/send-task/jobs.sweep",
            "/api/task/revoke/x",
        ]
        foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        kept = [
            http.post(address + path, auth=login, headers=headers, json={}).status_code
            for path in orders
            for headers in ({}, foreign)
        ]
        seen = http.get(f"{address}/api/workers", auth=login, params={"refresh": "1"}).json()
        naive = {path for path in _paths() if http.get(naive_url + path).status_code == 200}
    unexpected = [one for one in open_to_all if one[1] != _OPEN]
    alone = _listening(address) == {"127.0.0.1"}
    naive_everywhere = bool(_listening(naive_url) & {"0.0.0.0", "::"})
    finding(
        test="T27",
        promise="Flower tells nothing without its password, listens on loopback, changes nothing",
        n=tried + len(kept),
        figure=f"{len(unexpected)} of {tried} requests without the password answered but"
        f" {_OPEN}; {kept.count(403)} of {len(kept)} orders with it refused, of this and another"
        f" origin; loopback alone: {alone}",
        passed=not unexpected and set(kept) == {403} and alone and worker in seen,
        naive=f"Flower's defaults: {len(naive - {_OPEN})} pages open to all, on every interface:"
        f" {naive_everywhere}",
        naive_failed=len(naive - {_OPEN}) > 3 and naive_everywhere,
    )
