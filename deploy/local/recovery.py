"""What must be cleared away before Postgres can start again after a kill -9."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy.local.postgres import PostgresServer

# A backend in a query ends at SIGINT, or else at SIGQUIT; crash recovery makes the last one safe.
_STEPS = ((signal.SIGINT, 5.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


class OrphansError(RuntimeError):
    """Processes of an earlier server still hold the data folder; the message names their ids."""


def clear_remains(server: PostgresServer) -> None:
    """End the processes of an earlier server on this data folder and remove its lock file.

    An orphaned backend keeps the shared memory, and then every new server refuses to start. The
    lock file is judged by whether any process works in the folder, never by the process id in
    it: that id may have gone to a stranger. The caller must be the only one to start servers here.

    Raises: OrphansError: some process survived even SIGKILL.
    """
    for step, patience_s in _STEPS:
        for pid in processes_in(server):
            _send(pid, step)
        deadline = time.monotonic() + patience_s
        while (remaining := processes_in(server)) and time.monotonic() < deadline:
            time.sleep(0.1)
        if not remaining:
            (server.data / "postmaster.pid").unlink(missing_ok=True)
            return
    raise OrphansError(f"The processes {remaining} still use {server.data}. Stop them first.")


def processes_in(server: PostgresServer) -> list[int]:
    """List the processes whose working folder is the data folder: the server and its backends.

    It looks as the server's own user, because even root may read the working folder of another
    user's process only with a capability that containers withhold.
    """
    pattern = glob.escape(str(server.data.resolve()))
    search = ["find", "/proc", "-maxdepth", "2", "-name", "cwd", "-lname", pattern]
    command = [*server.runner.prefix, *search]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    return [int(line.split("/")[2]) for line in found.stdout.splitlines()]


def _send(pid: int, what: signal.Signals) -> None:
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return  # it ended by itself, which is what was wanted
