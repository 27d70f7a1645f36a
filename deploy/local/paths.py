"""The state folder: everything that a stack keeps, in one place that git ignores."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DEFAULT_STATE = PROJECT / "var"


@dataclass(frozen=True)
class StateFolder:
    """Where one stack keeps its data, secrets, logs and run-time files; `root` is absolute."""

    root: Path

    def prepare(self) -> None:
        """Make the folders: closed to others, but for passing through to the servers' own data."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for folder in (self.log, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def log(self) -> Path:
        """A log of each process, kept short by the supervisor."""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """What matters only while the stack runs."""
        return self.root / "run"

    @property
    def postgres(self) -> Path:
        """The database."""
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        """The queue."""
        return self.root / "redis"

    @property
    def secrets(self) -> Path:
        """Passwords and keys, readable by the owner only."""
        return self.root / "secrets.json"

    @property
    def ports(self) -> Path:
        """The ports that were chosen once."""
        return self.root / "ports.json"

    @property
    def access(self) -> Path:
        """What a script needs in order to use the running service, readable by the owner only."""
        return self.root / "access.json"

    @property
    def lock(self) -> Path:
        """Held by the running stack; holds its process id."""
        return self.run / "stack.lock"
