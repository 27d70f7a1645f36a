"""The list of what was erased, which is kept beside backups and applied to a restored one."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.domain.errors import InvalidRequestError
from app.storage.database.table_streams import one_transaction, require_sight

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg import Connection
    from sqlalchemy import Engine

_WITHDRAW = (
    "UPDATE consents SET withdrawn_at = now() WHERE withdrawn_at IS NULL AND id = ANY(%s::uuid[])"
)

#: In the order in which they are applied. A face that moved from an erased subject to another one
#: stays, without a name; the faces that went with the subject are on the list themselves.
_FORGET = {
    "faces": ("DELETE FROM faces WHERE id = ANY(%s::uuid[])",),
    "enrolments": (
        "DELETE FROM jobs WHERE id = ANY(%s::uuid[]) AND state IN ('queued', 'running')",
    ),
    "jobs": ("DELETE FROM jobs WHERE id = ANY(%s::uuid[])",),
    "subjects": (
        "UPDATE faces SET subject_id = NULL WHERE subject_id = ANY(%s::uuid[])",
        "UPDATE faces SET rejected_subject_id = NULL WHERE rejected_subject_id = ANY(%s::uuid[])",
        "DELETE FROM subjects WHERE id = ANY(%s::uuid[])",
    ),
    # Noted for scrubs alone: photographs go with their faces and jobs.
    "images": (),
    "services": ("DELETE FROM services WHERE id = ANY(%s::uuid[])",),
    "applications": ("DELETE FROM applications WHERE id = ANY(%s::uuid[])",),
    "collections": ("DELETE FROM collections WHERE id = ANY(%s::uuid[])",),
    "tenants": ("DELETE FROM tenants WHERE id = ANY(%s::uuid[])",),
    "withdrawals": (_WITHDRAW,),
}

#: What is on the list was erased when no hold stood against it, though one did at the backup's
#: moment; those on what is still there come back.
_SET_HOLDS_ASIDE = (
    "CREATE TEMP TABLE holds_aside ON COMMIT DROP AS SELECT * FROM legal_holds",
    "DELETE FROM legal_holds",
)
_PUT_HOLDS_BACK = """
INSERT INTO legal_holds SELECT * FROM holds_aside
WHERE collection_id IN (SELECT id FROM collections)
    AND (subject_id IS NULL OR subject_id IN (SELECT id FROM subjects))
"""


def list_erasures(engine: Engine) -> dict[str, Any]:
    """Return ``{listed_at, erased}``; ``erased`` holds the ids by kind."""
    erased: dict[str, list[str]] = {}
    listed_at = datetime.now(UTC).isoformat()
    with one_transaction(engine, "SET TRANSACTION READ ONLY") as connection:
        require_sight(connection)
        for kind, one in connection.execute("SELECT kind, id FROM erasures ORDER BY at, kind, id"):
            erased.setdefault(kind, []).append(str(one))
    return {"listed_at": listed_at, "erased": erased}


def write_erasures(engine: Engine, target: Path) -> int:
    """Put the list where the one before was, in one step; return how many ids it has."""
    listed = list_erasures(engine)
    partial = target.with_name(f"{target.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(listed, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
    return sum(map(len, listed["erased"].values()))


def read_erasures(source: Path) -> dict[str, Any]:
    """Return what :func:`write_erasures` wrote. Raises: InvalidRequestError."""
    try:
        listed: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
        datetime.fromisoformat(listed["listed_at"])
        known = set(listed["erased"]) <= set(_FORGET)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidRequestError(f"{source} is not a list of erasures.") from error
    if not known:
        raise InvalidRequestError(f"{source} was written by another version of Vultus.")
    return listed


def forget(connection: Connection[Any], erased: dict[str, list[str]]) -> None:
    """Delete what is on the list, and remember it for the next restore."""
    row = connection.execute("SELECT to_regclass('legal_holds') IS NOT NULL").fetchone()
    newer = row is not None and row[0]  # an older backup knows neither holds nor consents
    if newer:
        for statement in _SET_HOLDS_ASIDE:
            connection.execute(statement)
    for kind, statements in _FORGET.items():
        ids = erased.get(kind, [])
        for statement in statements if newer or kind != "withdrawals" else ():
            connection.execute(statement, [ids])
        connection.execute(
            "INSERT INTO erasures (kind, id) SELECT %s, unnest(%s::uuid[]) ON CONFLICT DO NOTHING",
            [kind, ids],
        )
    if newer:
        connection.execute(_PUT_HOLDS_BACK)
