"""Whether the database is there and has the tables that this code expects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from sqlalchemy import Engine

MIGRATIONS = Path(__file__).parent / "migrations"


def database_problem(engine: Engine) -> str | None:
    """Return what keeps the database from serving, in a few words, or ``None``."""
    wanted = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError:
        return "the database is not reachable"
    return None if found == wanted else "the database is not migrated; run the migrate command"
