"""The whole service as ``make up`` runs it, once for all tests that ask for it."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from xmlrpc.client import ServerProxy

import httpx
import pytest

from deploy.demo.service import running_service
from deploy.local.paths import PROJECT, StateFolder
from deploy.local.stack import DATABASE, ROLE, embedded_servers
from tests.command_line import CommandLine

#: Losses are noticed after the lease, so a short one keeps the tests short.
_SETTINGS = {
    "VULTUS_LEASE_S": "6",
    "VULTUS_REPUBLISH_S": "3",
    "VULTUS_SWEEP_INTERVAL_S": "1",
    "VULTUS_PULSE_INTERVAL_S": "1",
    # Long enough for a machine that does much beside.
    "VULTUS_COMPREFACE_WAIT_S": "60",
}


@dataclass(frozen=True)
class Service:
    """A running stack."""

    base_url: str
    key: str
    state: Path
    commands: CommandLine

    def client(self):
        return httpx.Client(
            base_url=self.base_url, headers={"x-api-key": self.key}, timeout=70, trust_env=False
        )

    def _servers(self):
        ports = json.loads((self.state / "ports.json").read_text())
        secrets = json.loads((self.state / "secrets.json").read_text())
        return *embedded_servers(StateFolder(self.state), ports, secrets), secrets

    def database_url(self):
        """The URL of the service's database for libpq."""
        postgres, _, secrets = self._servers()
        return postgres.url(DATABASE, user=ROLE, password=secrets["database"]).replace(
            "+psycopg", ""
        )

    def redis_url(self):
        """The URL of the service's broker."""
        _, redis, _ = self._servers()
        return redis.url()

    def run_cli(self, *arguments):
        """Run the command line on the service's database; return what it prints."""
        _, redis, secrets = self._servers()
        environment = {
            **os.environ,
            "VULTUS_DATABASE_URL": self.database_url(),
            "VULTUS_REDIS_URL": redis.url(),
            "VULTUS_SECRET_KEY": secrets["secret_key"],
        }
        ran = self.commands.run(*arguments, environment=environment, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def processes(self):
        """Return the pid of each program that runs."""
        ports = json.loads((self.state / "ports.json").read_text())
        password = json.loads((self.state / "secrets.json").read_text())["supervisor"]
        url = f"http://vultus:{password}@127.0.0.1:{ports['supervisor']}/RPC2"
        with ServerProxy(url) as remote:
            found = remote.supervisor.getAllProcessInfo()
        return {process["name"]: process["pid"] for process in found}

    def kill(self, program):
        """Kill a process at once, as the kernel does when memory runs out; return its pid."""
        pid = self.processes()[program]
        os.kill(pid, signal.SIGKILL)
        return pid


@pytest.fixture(scope="session")
def service(tmp_path_factory, commands):
    state = tmp_path_factory.mktemp("service")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _SETTINGS.items():
            patch.setenv(name, value)
        with running_service(state) as access:
            yield Service(access["base_url"], access["admin_key"], state, commands)


@pytest.fixture(scope="session")
def photographs():
    """Photographs that show one prominent face each."""
    samples = PROJECT / "var" / "samples" / "val"
    found = sorted(samples.glob("*/*.jpg"))
    assert found, 'there are no sample photographs; run "make weights"'
    return found
