"""Supervisor: its configuration file, its start and end, and what it says of the processes."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xmlrpc.client import Error, ServerProxy

from deploy.local.paths import PROJECT
from deploy.local.programs import SERVICE, Program
from deploy.local.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deploy.local.stack import Stack

_USER = "vultus"
_START_PATIENCE_S = 20.0
# What has the higher number starts later and is stopped, to its end, before the rest.
_SERVER_PRIORITY, _SERVICE_PRIORITY = 100, 900
_LOG_BYTES = "10MB"
_LOG_COPIES = "3"


@dataclass(frozen=True)
class Supervisor:
    """A running supervisor."""

    process: subprocess.Popen[bytes]
    remote: ServerProxy = field(repr=False)

    def start_service(self) -> None:
        """Start the service's processes, which wait for the servers to be prepared."""
        self.remote.supervisor.startProcessGroup(SERVICE, False)  # noqa: FBT003 - "wait", by position

    def states(self) -> dict[str, str]:
        """Give each process's state in Supervisor's words: RUNNING, BACKOFF, ..."""
        processes: Any = self.remote.supervisor.getAllProcessInfo()
        return {process["name"]: process["statename"] for process in processes}


def write_configuration(
    stack: Stack, servers: Sequence[Program], service: Sequence[Program]
) -> str:
    """Write the configuration into the state folder and return its path.

    Servers start with the supervisor; the service's processes are a group that starts on request.
    """
    run, log = stack.state.run, stack.state.log
    config = configparser.RawConfigParser()
    config["supervisord"] = {
        "nodaemon": "true",
        "silent": "true",
        "umask": "077",
        "directory": str(PROJECT),
        "pidfile": str(run / "supervisord.pid"),
        "logfile": str(log / "supervisord.log"),
        "logfile_maxbytes": _LOG_BYTES,
        "logfile_backups": _LOG_COPIES,
        "childlogdir": str(log),
    }
    if os.geteuid() == 0:
        config["supervisord"]["user"] = "root"
    config["inet_http_server"] = {
        "port": f"127.0.0.1:{stack.ports['supervisor']}",
        "username": _USER,
        "password": stack.secrets["supervisor"],
    }
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    for programs, at_once in ((servers, True), (service, False)):
        for program in programs:
            config[f"program:{program.name}"] = _section(stack, program, at_once=at_once)
    config[f"group:{SERVICE}"] = {
        "programs": ",".join(program.name for program in service),
        "priority": str(_SERVICE_PRIORITY),
    }
    path = run / "supervisord.conf"
    path.touch(mode=0o600)
    path.chmod(0o600)
    with path.open("w") as stream:
        config.write(stream)
    return str(path)


@contextmanager
def supervised(
    stack: Stack, servers: Sequence[Program], service: Sequence[Program]
) -> Iterator[Supervisor]:
    """Run the supervisor and its servers; at the end stop every process, and wait for it."""
    configuration = write_configuration(stack, servers, service)
    address = f"127.0.0.1:{stack.ports['supervisor']}"
    remote = ServerProxy(f"http://{_USER}:{stack.secrets['supervisor']}@{address}/RPC2")
    process = subprocess.Popen(
        [
            *ending_with_this_process(),
            *(sys.executable, "-m", "supervisor.supervisord", "--configuration", configuration),
        ],
        cwd=PROJECT,
        env=stack.environment,
        start_new_session=True,  # Ctrl-C goes to this process, which stops the others in order
    )
    supervisor = Supervisor(process, remote)
    try:
        wait_until(lambda: _answers(supervisor), _START_PATIENCE_S, "the supervisor")
        yield supervisor
    finally:
        remote("close")()
        process.terminate()
        process.wait()


def ending_with_this_process() -> tuple[str, ...]:
    """Give what goes before a command whose process must not outlive this one."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM") if setpriv else ()


def _section(stack: Stack, program: Program, *, at_once: bool) -> dict[str, str]:
    command = " ".join(_quoted(part) for part in (*ending_with_this_process(), *program.command))
    environment = ",".join(f'{name}="{value}"' for name, value in program.environment.items())
    return {
        "command": command,
        "directory": str(PROJECT),
        "environment": environment.replace("%", "%%"),
        "autostart": str(at_once).lower(),
        "priority": str(_SERVER_PRIORITY if at_once else _SERVICE_PRIORITY),
        "autorestart": "true",
        "startsecs": "2",
        # The pause grows by a second with each try, so this is for ever.
        "startretries": "100000",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_patience_s),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(stack.state.log / f"{program.name}.log"),
        "stdout_logfile_maxbytes": _LOG_BYTES,
        "stdout_logfile_backups": _LOG_COPIES,
    }


def _quoted(part: str) -> str:
    """Quote for Supervisor, which splits as a shell does and expands percent signs."""
    escaped = part.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _answers(supervisor: Supervisor) -> bool:
    if supervisor.process.poll() is not None:
        raise ChildProcessError("The supervisor ended at once. Its log says why.")
    try:
        supervisor.remote.supervisor.getState()
    except (OSError, Error):
        return False
    return True
