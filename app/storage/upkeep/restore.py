"""Load an archive into a database that holds nothing yet."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg import sql

from app.domain.errors import ConflictError, InvalidRequestError
from app.storage.database.table_streams import (
    one_transaction,
    require_sight,
    revision_of,
    tables_of,
)
from app.storage.erasure.ledger import forget
from app.storage.erasure.planner_samples import keep_no_samples
from app.storage.upkeep.backup import FORMAT, MANIFEST
from app.storage.upkeep.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from psycopg import Connection
    from sqlalchemy import Engine

    from app.storage.database.table_streams import TableCopy

_BLOCK = 1 << 20

#: Graphs of neighbours are built over all rows in a fraction of the time of growing them by row.
_GRAPHS = """
SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_class c JOIN pg_am ON pg_am.oid = c.relam
WHERE amname = 'hnsw' AND c.relnamespace = current_schema()::regnamespace
"""

#: No worker of the lost service holds them any more; the attempt does not count.
_QUEUE_AGAIN = """
UPDATE jobs SET state = 'queued', claimed_by = NULL, lease_until = NULL, publish_at = now(),
    excused = excused + 1
WHERE state = 'running'
"""


def restore_backup(engine: Engine, source: Path, *, erasures: dict[str, Any] | None) -> None:
    """Load the archive, compare every table with it, forget what was erased, then migrate.

    Raises: InvalidRequestError: the archive is damaged, or the list of erasures is older than it.
    ConflictError: the database holds rows, or tables of another revision.
    """
    try:
        archive = zipfile.ZipFile(source)
    except (OSError, zipfile.BadZipFile) as error:
        raise InvalidRequestError(f"{source} is not a backup, or it is incomplete.") from error
    with archive:
        manifest = _checked(archive)
        if erasures is not None and _moment(erasures["listed_at"]) < _moment(manifest["taken_at"]):
            raise InvalidRequestError(
                "The list of erasures is older than the backup. Give a newer one."
            )
        with one_transaction(engine, "SET TRANSACTION READ ONLY") as connection:
            _require_empty(connection, manifest["revision"])
        migrate(engine, manifest["revision"])
        with one_transaction(engine, "SET LOCAL maintenance_work_mem = '256MB'") as connection:
            require_sight(connection)
            _load(connection, archive, manifest)
            if erasures is not None:
                forget(connection, erasures["erased"])
            connection.execute(_QUEUE_AGAIN)
    migrate(engine)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _checked(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Return the manifest once every member has the bytes that it names."""
    try:
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        if manifest["format"] != FORMAT:
            raise InvalidRequestError(
                "The backup was written by another version of Vultus. Restore it with that version."
            )
        for member in manifest["tables"]:
            digest = hashlib.sha256()
            for block in _blocks(archive, member["table"]):
                digest.update(block)
            if digest.hexdigest() != member["sha256"]:
                raise InvalidRequestError(
                    f"The backup is damaged in the table {member['table']}. Use another."
                )
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InvalidRequestError("The backup is damaged. Use another.") from error
    return manifest


def _blocks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as member:
        while block := member.read(_BLOCK):
            yield block


def _require_empty(connection: Connection[Any], revision: str) -> None:
    """Accept no tables, or those of the archive's revision with the first tenant's row alone."""
    present = revision_of(connection)
    tables = tables_of(connection)
    if present != revision and (present is not None or tables):
        raise ConflictError("The database already has tables. Restore into an empty database.")
    for table in tables:
        allowed = 1 if table.name == "tenants" else 0
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.name))
        if connection.execute(query).fetchone()[0] > allowed:  # type: ignore[index]
            raise ConflictError(
                f"The table {table.name} holds rows. Restore into an empty database."
            )


def _load(connection: Connection[Any], archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    tables = tables_of(connection)
    expected = {member["table"]: member["sha256"] for member in manifest["tables"]}
    if {table.name for table in tables} != set(expected):
        raise InvalidRequestError("The backup lacks tables of its revision. Use another.")
    connection.execute("DELETE FROM tenants")
    connection.execute("DELETE FROM erasures")
    graphs = connection.execute(_GRAPHS).fetchall()
    for name, _ in graphs:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    for table in tables:
        _load_table(connection, table, _blocks(archive, table.name))
    for _, definition in graphs:
        connection.execute(definition)
    for statement in keep_no_samples():
        connection.execute(statement)
    for table in tables:
        if table.digest(connection) != expected[table.name]:
            raise InvalidRequestError(
                f"The table {table.name} differs from the one in the backup. Nothing was restored."
            )


def _load_table(connection: Connection[Any], table: TableCopy, blocks: Iterator[bytes]) -> None:
    """Copy the rows past policies, which Postgres asks for, and past triggers, which change them.

    Foreign keys are checked. Both are back on before the transaction ends, so no one sees them off.
    """
    name = sql.Identifier(table.name)
    forced = connection.execute(
        "SELECT relforcerowsecurity FROM pg_class WHERE oid = to_regclass(%s)", [table.name]
    ).fetchone()[0]  # type: ignore[index]
    alter = sql.SQL("ALTER TABLE {} {}")
    connection.execute(alter.format(name, sql.SQL("NO FORCE ROW LEVEL SECURITY")))
    connection.execute(alter.format(name, sql.SQL("DISABLE TRIGGER USER")))
    table.write(connection, blocks)
    connection.execute(alter.format(name, sql.SQL("ENABLE TRIGGER USER")))
    if forced:
        connection.execute(alter.format(name, sql.SQL("FORCE ROW LEVEL SECURITY")))
