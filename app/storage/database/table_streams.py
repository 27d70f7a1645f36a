"""Whole tables as Postgres' binary stream, in an order that is the same in every database."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from psycopg import sql

from app.domain.errors import ConfigurationError
from app.storage.database.tenancy import DatabaseRole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection
    from sqlalchemy import Engine

_TABLES = """
SELECT relname, array(
    SELECT attname::text FROM pg_attribute
    WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ORDER BY attnum
), array(
    SELECT attname::text FROM pg_index JOIN pg_attribute ON attrelid = indrelid
    WHERE indrelid = t.oid AND indisprimary AND attnum = ANY(indkey) ORDER BY attnum
), array(
    SELECT p.relname::text FROM pg_constraint JOIN pg_class p ON p.oid = confrelid
    WHERE conrelid = t.oid AND contype = 'f' AND confrelid <> t.oid
)
FROM pg_class t
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    AND relname <> 'alembic_version'
"""


@dataclass(frozen=True, slots=True)
class TableCopy:
    """A table, the columns that are copied and those of its primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def read(self, connection: Connection[Any]) -> Iterator[bytes]:
        """Yield the rows in the order of their key, so that equal tables give equal bytes."""
        statement = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT (FORMAT binary)")
        order = (sql.SQL('{}::text COLLATE "C"').format(sql.Identifier(part)) for part in self.key)
        query = statement.format(
            self._columns(), sql.Identifier(self.name), sql.SQL(", ").join(order)
        )
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            for block in copy:
                yield bytes(block)

    def write(self, connection: Connection[Any], blocks: Iterator[bytes]) -> None:
        """Add the rows of a stream."""
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)")
        query = statement.format(sql.Identifier(self.name), self._columns())
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            for block in blocks:
                copy.write(block)

    def digest(self, connection: Connection[Any]) -> str:
        """Return the SHA-256 of what :meth:`read` yields, in hexadecimal."""
        digest = hashlib.sha256()
        for block in self.read(connection):
            digest.update(block)
        return digest.hexdigest()

    def _columns(self) -> sql.Composed:
        return sql.SQL(", ").join(map(sql.Identifier, self.columns))


def tables_of(connection: Connection[Any]) -> list[TableCopy]:
    """Return the tables of the schema, each after those that it refers to."""
    rows = connection.execute(_TABLES).fetchall()
    found = {name: TableCopy(name, tuple(columns), tuple(key)) for name, columns, key, _ in rows}
    order = TopologicalSorter({name: sorted(parents) for name, _, _, parents in sorted(rows)})
    return [found[name] for name in order.static_order()]


def revision_of(connection: Connection[Any]) -> str | None:
    """Return the migration that the database is at; ``None`` where none ever ran."""
    if not connection.execute("SELECT to_regclass('alembic_version')").fetchone()[0]:  # type: ignore[index]
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else row[0]


@contextmanager
def one_transaction(engine: Engine, settings: str) -> Iterator[Connection[Any]]:
    """Run a transaction of any length that sees all rows. Raises: ConfigurationError."""
    with engine.connect() as pooled:
        connection: Any = pooled.connection.driver_connection
        with connection.transaction():
            connection.execute(settings)
            for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
                connection.execute(f"SET LOCAL {limit} = 0")
            yield connection


def require_sight(connection: Connection[Any]) -> None:
    """Refuse a user from whom policies hide rows: its backup would lack them without a word.

    Raises: ConfigurationError.
    """
    query = "SELECT pg_has_role(oid, 'USAGE') FROM pg_roles WHERE rolname = %s"
    row = connection.execute(query, [DatabaseRole.WORKER]).fetchone()
    if row is None or not row[0]:
        raise ConfigurationError(
            f"The database's user does not see every row. Grant it {DatabaseRole.WORKER}."
        )
