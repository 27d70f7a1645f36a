"""One start of an embedded server under the supervisor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from deploy.local import private_files
from deploy.local.recovery import clear_remains
from deploy.local.stack import embedded_servers

if TYPE_CHECKING:
    from deploy.local.paths import StateFolder


def become_server(state: StateFolder, name: str) -> NoReturn:
    """Clear away what an earlier start left, then turn this process into the server.

    The server gets none of the environment, which holds the service's secrets.
    """
    ports, secrets = private_files.read(state.ports), private_files.read(state.secrets)
    postgres, redis = embedded_servers(state, ports, secrets)
    if name == "postgres":
        clear_remains(postgres)
        command = postgres.command()
    else:
        redis.initialise()
        command = redis.command()
    os.chdir("/")
    os.execve(command[0], command, {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})  # noqa: S606
