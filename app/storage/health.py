"""What the database tells about the service: whether it can take work, and whether work is done."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from app.domain.pulse import Part
from app.storage.pulses import leave_pulse, pulse_ages_s

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

MIGRATIONS = Path(__file__).parent / "migrations"

_DONE_BY_OTHERS = (Part.INFERENCE, Part.SWEEP)

#: Not every health check has to write.
_WRITTEN_LATELY_S = 2.0


@cache
def _head() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def check_database(engine: Engine, *, silence_s: float) -> dict[str, bool]:
    """Return what of the service works, as far as the database tells.

    ``database`` answers, ``migrations`` are those of here, a row is ``writable``; ``inference`` and
    ``sweep`` have left a sign of life within ``silence_s`` seconds. The engine should not pool: a
    connection that hangs with its server would hang this too.
    """
    parts = dict.fromkeys(("database", "migrations", "writable", *_DONE_BY_OTHERS), False)
    try:
        with engine.connect() as connection:
            parts["database"] = True
            found = MigrationContext.configure(connection).get_current_revision()
            parts["migrations"] = found == _head()
            if parts["migrations"]:
                ages_s = pulse_ages_s(connection)
                for part in _DONE_BY_OTHERS:
                    parts[part] = ages_s.get(part, silence_s) < silence_s
                parts["writable"] = ages_s.get(Part.FRONT, silence_s) < _WRITTEN_LATELY_S
                if not parts["writable"]:
                    parts["writable"] = _writes(connection)
    except SQLAlchemyError:
        pass  # whatever was not reached does not work
    return parts


def _writes(connection: Connection) -> bool:
    """Write one row as a submit would, to the disk."""
    leave_pulse(connection, Part.FRONT)
    connection.commit()
    return True
