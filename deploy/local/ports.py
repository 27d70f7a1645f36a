"""Loopback ports: free ones, and the ones that a state folder keeps from run to run."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def free_port() -> int:
    """Ask the system for a loopback port that no one listens on, and keep it for a minute.

    One connection to it, closed on this side first, leaves the port in TIME_WAIT: a server may
    still listen on it, but the system gives it to no one else who asks for a free one.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as caller:
            listener.accept()[0].close()
            caller.recv(1)
    return port


def is_free(port: int) -> bool:
    """Return whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: connections in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def kept_ports(file: Path, preferred: dict[str, int | None]) -> dict[str, int]:
    """Give each name its port: the one it had last time, else the preferred one, else a free one.

    A port that someone else has taken meanwhile is replaced. The choice is written to `file`.
    """
    before = json.loads(file.read_text()) if file.exists() else {}
    chosen: dict[str, int] = {}
    for name, wish in preferred.items():
        wanted = [port for port in (before.get(name), wish) if port and is_free(port)]
        chosen[name] = wanted[0] if wanted else free_port()
    file.write_text(json.dumps(chosen, indent=2) + "\n")
    return chosen
