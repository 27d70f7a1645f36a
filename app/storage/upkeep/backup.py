"""Write all tables, as they were at one moment, into one archive."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.domain.errors import ConfigurationError, ConflictError
from app.storage.database.table_streams import (
    one_transaction,
    require_sight,
    revision_of,
    tables_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

MANIFEST = "manifest.json"
#: Of the archive itself; the revision says what the tables hold.
FORMAT = 1

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


def write_backup(engine: Engine, target: Path) -> dict[str, Any]:
    """Write the archive, readable by its owner alone, and return its manifest.

    Raises: ConflictError: the file exists. ConfigurationError: the database has no tables, or its
    user does not see all of them.
    """
    if target.exists():
        raise ConflictError(f"{target} exists. Choose another name.")
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                manifest = _fill(archive, engine)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _fill(archive: zipfile.ZipFile, engine: Engine) -> dict[str, Any]:
    with one_transaction(engine, _SNAPSHOT) as connection:
        revision = revision_of(connection)
        if revision is None:
            raise ConfigurationError("The database has no tables of Vultus. Migrate it first.")
        require_sight(connection)
        taken_at = datetime.now(UTC).isoformat()
        members = []
        for table in tables_of(connection):
            digest = hashlib.sha256()
            with archive.open(table.name, "w", force_zip64=True) as member:
                for block in table.read(connection):
                    digest.update(block)
                    member.write(block)
            members.append({"table": table.name, "sha256": digest.hexdigest()})
    manifest = {"format": FORMAT, "revision": revision, "taken_at": taken_at, "tables": members}
    archive.writestr(MANIFEST, json.dumps(manifest, indent=2))
    return manifest
