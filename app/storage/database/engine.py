"""The connection pool."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import NullPool

from app.storage.database.moments import read_any_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import Connection
    from sqlalchemy.pool import ConnectionPoolEntry

    from app.storage.database.tenancy import DatabaseRole

#: Milliseconds after which Postgres ends what should have ended long ago. A search over a million
#: faces takes some hundred; a lock is held for as long as a commit takes.
_TIMEOUTS = {
    "statement_timeout": 30_000,
    "lock_timeout": 10_000,
    "idle_in_transaction_session_timeout": 60_000,
}
_PROBE_TIMEOUT_MS = 3_000

#: A connection that worked so many seconds ago is used without a question; the question costs as
#: much as a small query.
_TRUSTED_FOR_S = 1.0
_USED_AT = "used_at"


def build_engine(url: str, *, pool_size: int, role: DatabaseRole | None = None) -> Engine:
    """Return a pool of connections, made as they are needed and checked when they have rested.

    They take the ``role`` as they connect, and go back to it when they reset theirs; without one
    they stay what the URL says, which owns the tables.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        hide_parameters=True,  # errors are logged, and may be shown by monitors
        connect_args=_connect_args(_TIMEOUTS, role),
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Connection[Any], _: object) -> None:
        # As text, which is the driver's choice, an array of photographs takes ten times as long.
        connection.adapters.register_dumper(list, ListBinaryDumper)
        read_any_moment(connection)

    @event.listens_for(engine, "checkout")
    def check(connection: Any, entry: ConnectionPoolEntry, _: object) -> None:  # noqa: ANN401
        used_at = entry.info.get(_USED_AT)
        if used_at is None or time.monotonic() - used_at < _TRUSTED_FOR_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
            raise DisconnectionError from error  # the pool then gives out another

    @event.listens_for(engine, "checkin")
    def remember(_: object, entry: ConnectionPoolEntry) -> None:
        entry.info[_USED_AT] = time.monotonic()

    return engine


def build_probe_engine(url: str, *, role: DatabaseRole | None = None) -> Engine:
    """Return an engine that connects anew each time, and gives up in seconds."""
    timeouts = dict.fromkeys(_TIMEOUTS, _PROBE_TIMEOUT_MS)
    return create_engine(url, poolclass=NullPool, connect_args=_connect_args(timeouts, role))


def _connect_args(timeouts: Mapping[str, int], role: DatabaseRole | None) -> dict[str, Any]:
    # Moments are read as Postgres writes them, and the last of a year in UTC is none in Kiritimati.
    parameters = {**timeouts, "timezone": "UTC", **({} if role is None else {"role": role})}
    return {
        "connect_timeout": 3,
        "options": " ".join(f"-c {name}={value}" for name, value in parameters.items()),
    }
