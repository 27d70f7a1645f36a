"""Take the bytes of what was erased out of Postgres' files.

``DELETE`` and ``VACUUM`` leave them in pages that are used again some day, and in the log. A scrub
rewrites every table that may hold them, drops the older log, and then notes it.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from psycopg.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from app.domain.documents import Keys
from app.domain.errors import ConfigurationError, ServiceUnavailableError
from app.domain.job import JobType
from app.domain.job_results import ErasureReceipt
from app.storage.database.table_streams import require_sight, tables_of
from app.storage.erasure.planner_samples import keep_no_samples
from app.storage.tables import FaceRow, ImageRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from psycopg import Connection
    from sqlalchemy import Engine, Table

#: Two scrubs at once would do everything twice.
_SOLE = 0x5C120B

#: Ids, times and numbers alone, so that nothing of a person is ever in them.
_HOLD_NOBODY = frozenset(
    {
        "attempts",
        "audit_heads",
        "audit_records",
        "deliveries",
        "erasures",
        "pulses",
        "readings",
        "service_calls",
        "setbacks",
    }
)

#: What is in it can be read with keys alone, unless it was stored before there were any.
_ENCRYPTED = {ImageRow.__tablename__}

#: For how long a table is waited for, while its other users wait behind; and how often.
_LOCK_TIMEOUT = "2s"
_TRIES = 10

#: How long older transactions, which may still see what was erased, are given to end.
_PATIENCE_S = 30.0
_LOOK_AGAIN_S = 0.2

_NEEDS = """
SELECT unnest(array_remove(ARRAY[
    CASE WHEN current_setting('wal_recycle')::bool THEN 'set wal_recycle = off' END,
    CASE WHEN pg_size_bytes(current_setting('wal_keep_size')) > 0 THEN 'set wal_keep_size = 0' END,
    CASE WHEN NOT pg_has_role('pg_checkpoint', 'USAGE') THEN 'grant pg_checkpoint' END,
    CASE WHEN NOT pg_has_role('pg_read_all_stats', 'USAGE') THEN 'grant pg_read_all_stats' END,
    CASE WHEN NOT has_function_privilege('pg_switch_wal()', 'EXECUTE')
        THEN 'grant execute on function pg_switch_wal()' END
], NULL))
"""

_OLDEST = "SELECT min(at) FROM erasures WHERE gone_at IS NULL OR gone_at = 'infinity'"
_MARK = "UPDATE erasures SET gone_at = 'infinity' WHERE gone_at IS NULL"
_MARKED = "SELECT count(*) FROM erasures WHERE gone_at = 'infinity'"
_UNENCRYPTED = "SELECT EXISTS (SELECT FROM erasures WHERE kind = 'images' AND gone_at = 'infinity')"
_UNMARK = "UPDATE erasures SET gone_at = now() WHERE gone_at = 'infinity'"
_GONE_AT = Keys(ErasureReceipt).bytes_gone_at
_OPEN_RECEIPTS = """
SELECT array_agg(id) FROM jobs WHERE type = %s AND result ->> %s IS NULL
"""
_CLOSE_RECEIPTS = """
UPDATE jobs SET result = jsonb_set(result::jsonb, ARRAY[%s], to_jsonb(now()))::json
WHERE id = ANY(%s)
"""

_OLDER = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < %s
"""


class PostgresScrub:
    """See :class:`app.services.ports.Scrub`; the engine's user owns the tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def oldest(self) -> datetime | None:
        with self._engine.connect() as connection:
            oldest: datetime | None = connection.scalar(text(_OLDEST))
        return oldest

    def run(self) -> int:
        with self._alone() as connection:
            if connection is None:
                return 0
            require_sight(connection)
            if needs := [need for (need,) in connection.execute(_NEEDS)]:
                raise ConfigurationError(f"Postgres is not set up for a scrub: {'; '.join(needs)}.")
            # Before what they are for is marked.
            receipts = _one(connection, _OPEN_RECEIPTS, JobType.ERASURE, _GONE_AT)[0]
            connection.execute(_MARK)
            count = _one(connection, _MARKED)[0]
            if not count:
                return 0
            _await_older_transactions(connection)
            unencrypted = _one(connection, _UNENCRYPTED)[0]
            for table in tables_of(connection):
                if table.name not in _HOLD_NOBODY | (set() if unencrypted else _ENCRYPTED):
                    _rewrite(connection, table.name)
            # The log up to here is in older files than the checkpoint's, which then removes them.
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")
            connection.execute(_UNMARK)
            connection.execute(_CLOSE_RECEIPTS, [_GONE_AT, receipts or []])
            return int(count)

    @contextmanager
    def _alone(self) -> Iterator[Connection[Any] | None]:
        """Give a connection without transactions, or nothing while another scrub is at work."""
        with self._engine.connect() as pooled:
            pooled.execution_options(isolation_level="AUTOCOMMIT")
            connection: Any = pooled.connection.driver_connection
            connection.execute("SET statement_timeout = 0")
            connection.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
            if not _one(connection, f"SELECT pg_try_advisory_lock({_SOLE})")[0]:
                yield None
                return
            try:
                yield connection
            finally:
                # With it go the lock and the settings.
                pooled.invalidate()


def _one(connection: Connection[Any], query: str, *values: str) -> tuple[Any, ...]:
    return connection.execute(query, values).fetchone()  # type: ignore[return-value]


def _await_older_transactions(connection: Connection[Any]) -> None:
    """Return once no transaction can still see what was erased: Postgres would keep it for that.

    Twice, because a transaction that begins beside an old one blocks what that one blocks.
    Raises: ServiceUnavailableError.
    """
    deadline = time.monotonic() + _PATIENCE_S
    for _ in range(2):
        moment = _one(connection, "SELECT clock_timestamp()")[0]
        while connection.execute(_OLDER, [moment]).fetchone()[0]:  # type: ignore[index]
            if time.monotonic() > deadline:
                raise ServiceUnavailableError(
                    "A transaction from before the scrub is still open, perhaps a backup. "
                    "Scrub again when it has ended."
                )
            time.sleep(_LOOK_AGAIN_S)


def _rewrite(connection: Connection[Any], table: str) -> None:
    """Rewrite a table and its indexes in new files; its users wait for that time.

    A graph of neighbours takes a hundred times as long as the rows. It is taken away before and
    built afterwards, beside the work: searches compare all faces until it exists.
    """
    graphs = _graphs() if table == FaceRow.__tablename__ else {}
    for graph in graphs:
        _patiently(connection, f"DROP INDEX CONCURRENTLY IF EXISTS {graph}")
    _patiently(connection, f"VACUUM (FULL, ANALYZE) {table}")
    if graphs:
        # These block no one, however long they wait for others.
        connection.execute("SET lock_timeout = 0; SET maintenance_work_mem = '256MB'")
        for definition in graphs.values():
            connection.execute(definition)
        connection.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'; RESET maintenance_work_mem")
        for statement in keep_no_samples():
            _patiently(connection, statement)


def _patiently(connection: Connection[Any], statement: str) -> None:
    """Run what needs a table for itself; others get their turn between the tries.

    Raises: ServiceUnavailableError: the table was never free.
    """
    for _ in range(_TRIES):
        try:
            connection.execute(statement)
        except LockNotAvailable:
            time.sleep(_LOOK_AGAIN_S)
        else:
            return
    raise ServiceUnavailableError("A table was in use all the time. Scrub again when it is quiet.")


def _graphs() -> dict[str, str]:
    """Return the statements that build the graphs, by name.

    They are not read from the database, which lacks them after a scrub that was cut short.
    """
    table = cast("Table", FaceRow.__table__)
    return {
        str(index.name): str(CreateIndex(index).compile(dialect=postgresql.dialect())).replace(  # type: ignore[no-untyped-call]
            "CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1
        )
        for index in table.indexes
        if index.dialect_options["postgresql"]["using"] == "hnsw"
    }
