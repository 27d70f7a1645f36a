"""One stack: its state folder, its servers and the environment that its processes get."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local import private_files
from deploy.local.paths import DEFAULT_STATE
from deploy.local.ports import is_free, kept_ports
from deploy.local.postgres import PostgresServer
from deploy.local.redis import RedisServer
from deploy.redis_users import RedisUser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.paths import StateFolder

DATABASE = "vultus"
ROLE = "vultus"
FLOWER_USER = "vultus"
# The main stack is found where people expect it; any other takes what is free.
_WELL_KNOWN_PORTS = {"web": 8000, "flower": 5555}
_PORTS = ("web", "flower", "postgres", "redis", "supervisor")
_SECRETS = ("postgres", "database", "redis", "secret_key", "flower", "supervisor")
# For the tests alone; the service refuses variables with its prefix that it does not know.
_NOT_FOR_THE_SERVICE = {"VULTUS_TEST_DATA"}


class PortTakenError(RuntimeError):
    """The port that was asked for is in use: stop its user or ask for another."""


@dataclass(frozen=True)
class Stack:
    """What `up` runs. `postgres` or `redis` is None where the caller's environment names one."""

    state: StateFolder
    ports: dict[str, int]
    secrets: dict[str, str] = field(repr=False)
    environment: dict[str, str] = field(repr=False)
    postgres: PostgresServer | None
    redis: RedisServer | None

    @property
    def base_url(self) -> str:
        """Where the service answers on this machine."""
        return f"http://127.0.0.1:{self.ports['web']}"

    @property
    def redis_url(self) -> str:
        """The broker's URL, of our own server or another."""
        file = self.environment.get("VULTUS_REDIS_URL_FILE")
        return Path(file).read_text().strip() if file else self.environment["VULTUS_REDIS_URL"]

    def as_user(self, user: RedisUser) -> dict[str, str]:
        """Give what the environment of that user's process has instead; for our broker alone."""
        return {"VULTUS_REDIS_URL": self.redis.url(user=user)} if self.redis else {}

    @property
    def flower_url(self) -> str:
        """Where Flower answers on this machine."""
        return f"http://127.0.0.1:{self.ports['flower']}"


def embedded_servers(
    state: StateFolder, ports: Mapping[str, int], secrets: Mapping[str, str]
) -> tuple[PostgresServer, RedisServer]:
    """Describe the two servers of a state folder, whether they run or not."""
    return (
        PostgresServer(state.postgres, ports["postgres"], secrets["postgres"]),
        RedisServer(state.redis, ports["redis"], secrets["redis"]),
    )


def prepare_stack(state: StateFolder, environ: Mapping[str, str], *, port: int | None) -> Stack:
    """Choose ports and secrets, or take those of the last time, and write them down.

    An existing server is used in place of an embedded one where `environ` has its URL.

    Raises: PortTakenError: `port` was asked for and is not free.
    """
    if port is not None and not is_free(port):
        raise PortTakenError(
            f"Port {port} is in use. Stop the process that uses it, or choose another port."
        )
    state.prepare()
    well_known = _WELL_KNOWN_PORTS if state.root == DEFAULT_STATE else {}
    ports = kept_ports(state.ports, {name: well_known.get(name) for name in _PORTS})
    if port is not None:
        ports["web"] = port
    secrets = private_files.kept_secrets(state.secrets, _SECRETS)
    environment = {k: v for k, v in environ.items() if k not in _NOT_FOR_THE_SERVICE}
    postgres, redis = embedded_servers(state, ports, secrets)
    ours = {
        "VULTUS_DATABASE_URL": postgres.url(DATABASE, user=ROLE, password=secrets["database"]),
        "VULTUS_REDIS_URL": redis.url(user=RedisUser.WORKER),
        "VULTUS_SECRET_KEY": secrets["secret_key"],
    }
    given = {name for name in ours if environment.keys() & {name, f"{name}_FILE"}}
    environment |= {name: value for name, value in ours.items() if name not in given}
    environment.setdefault("VULTUS_BASE_URL", f"http://127.0.0.1:{ports['web']}")
    environment["FLOWER_BASIC_AUTH"] = f"{FLOWER_USER}:{secrets['flower']}"
    environment["PYTHONUNBUFFERED"] = "1"
    return Stack(
        state,
        ports,
        secrets,
        environment,
        postgres=None if "VULTUS_DATABASE_URL" in given else postgres,
        redis=None if "VULTUS_REDIS_URL" in given else redis,
    )
