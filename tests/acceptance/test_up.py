"""`python -m deploy.local up`: the real service, from an empty folder to nothing left."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading

import httpx
import psutil
import pytest

from deploy.local.paths import PROJECT, StateFolder
from deploy.local.ports import free_port, is_free
from deploy.local.waiting import wait_until

PATIENCE_S = 120
PROGRAMS = {
    "postgres",
    "redis",
    "web",
    "worker-inference",
    "worker-training",
    "worker-io",
    "worker-webhooks",
    "beat",
    "flower",
}


class RunningUp:
    """A running `up` and what it has printed."""

    def __init__(self, state, port):
        self.state = state
        self.lines = []
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "deploy.local", "up", "--workers", "1"),
                *("--state", str(state.root), "--port", str(port)),
            ],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        with self.process.stdout as output:
            self.lines.extend(output)

    def is_ready(self):
        assert self.process.poll() is None, "".join(self.lines)
        return "Ready.\n" in self.lines

    def family(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def access(self):
        return json.loads(self.state.access.read_text())

    def port(self):
        return int(self.access()["base_url"].rpartition(":")[2])

    def client(self):
        access = self.access()
        headers = {"x-api-key": access["admin_key"]}
        return httpx.Client(base_url=access["base_url"], headers=headers, timeout=30)

    def terminate(self):
        self.process.terminate()

    def down(self):
        command = [sys.executable, "-m", "deploy.local", "down", "--state", str(self.state.root)]
        subprocess.run(command, cwd=PROJECT, check=True)

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE_S)
        self.reader.join()


@pytest.fixture(scope="module")
def weights():
    folder = PROJECT / "models_weights" / "files"
    if not list(folder.glob("*.safetensors")):
        pytest.skip("the models are not here: make weights")
    return folder


@pytest.fixture(scope="module")
def running(tmp_path_factory, weights):
    running = RunningUp(StateFolder(tmp_path_factory.mktemp("up") / "var"), free_port())
    try:
        wait_until(running.is_ready, PATIENCE_S, "the service")
        yield running
    finally:
        running.end()


def test_who_is_told_ready_waits_for_no_models(running):
    log = (running.state.log / "worker-inference.log").read_text()
    assert log.count('"models_loaded"') >= 1


def test_access_json_opens_the_service_and_only_its_owner_can_read_it(running):
    assert running.state.access.stat().st_mode & 0o777 == 0o600
    keys = {"base_url", "admin_key", "flower_url", "flower_user", "flower_password"}
    assert running.access().keys() == keys | {"redis_operator_url"}
    with running.client() as http:
        assert http.get("/v1/collections").status_code == 200
        del http.headers["x-api-key"]
        assert http.get("/v1/collections").status_code == 401


def test_what_is_printed_holds_addresses_a_key_and_a_curl_line(running):
    access, printed = running.access(), "".join(running.lines)
    for words in (
        f"{access['base_url']}/v1/docs",
        f"{access['base_url']}/health/ready",
        access["flower_url"],
        access["admin_key"],
    ):
        assert words in printed
    assert re.search(r"^ +curl .*/v1/detections$", printed, re.MULTILINE)


def test_flower_shows_itself_only_to_who_knows_the_password(running):
    access = running.access()
    login = access["flower_user"], access["flower_password"]
    wait_until(lambda: _answers(access["flower_url"]), PATIENCE_S, "Flower")
    for page in ("/", "/tasks", "/workers", "/broker", "/api/workers"):
        assert httpx.get(access["flower_url"] + page).status_code == 401, page
        assert httpx.get(access["flower_url"] + page, auth=login).status_code == 200, page


def _answers(url):
    try:
        httpx.get(url)
    except httpx.TransportError:
        return False
    return True


def test_everything_listens_on_loopback_alone(running):
    listening = {
        connection.laddr.ip
        for process in running.family()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_no_secret_shows_in_a_list_of_processes(running):
    secrets = json.loads(running.state.secrets.read_text())
    words = " ".join(word for process in running.family() for word in process.cmdline())
    shown = [name for name, secret in secrets.items() if secret in words]
    assert shown == []
    assert running.access()["admin_key"] not in words


def test_the_folder_is_closed_and_no_secret_is_in_a_log(running):
    assert running.state.root.stat().st_mode & 0o066 == 0
    secrets = [*json.loads(running.state.secrets.read_text()).values()]
    secrets.append(running.access()["admin_key"])
    for log in running.state.log.iterdir():
        content = log.read_text()
        assert not [secret for secret in secrets if secret in content], log.name


def test_the_web_process_that_dies_is_replaced(running):
    (web,) = [p for p in running.family() if "app.server" in p.cmdline()]
    web.send_signal(signal.SIGKILL)

    def another_answers():
        try:
            with running.client() as http:
                return http.get("/health/ready").is_success
        except httpx.TransportError:
            return False

    wait_until(lambda: not web.is_running(), PATIENCE_S, "the web process to end")
    wait_until(another_answers, PATIENCE_S, "another web process")


def test_a_second_stack_on_the_same_folder_is_refused(running):
    command = [sys.executable, "-m", "deploy.local", "up", "--state", str(running.state.root)]
    second = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "already runs" in second.stderr


def test_it_stops_without_a_trace_and_starts_again_with_the_same_key(running):
    """Comes last, since it stops what the others look at."""
    key, port = running.access()["admin_key"], running.port()
    _stop(running, RunningUp.terminate)
    again = RunningUp(running.state, port)
    try:
        wait_until(again.is_ready, PATIENCE_S, "the service")
        assert again.access()["admin_key"] == key
        _stop(again, RunningUp.down)
    finally:
        again.end()


def _stop(running, how):
    port = running.port()
    family = running.family()
    assert len(family) > len(PROGRAMS)
    how(running)
    assert running.process.wait(timeout=PATIENCE_S) == 0
    assert [process for process in family if process.is_running()] == []
    assert is_free(port)
