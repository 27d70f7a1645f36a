"""What the database tells about the service: whether it can take work, and whether work is done."""

from __future__ import annotations

import math
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.script import ScriptDirectory
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from app.domain.pulse import Part
from app.storage.database.pulses import leave_pulse, pulse_ages_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

MIGRATIONS = Path(__file__).parents[1] / "migrations"

_DONE_BY_OTHERS = (Part.INFERENCE, Part.SWEEP)

#: Not every health check has to write.
_WRITTEN_LATELY_S = 2.0

#: A process that refuses its weights tries again every few seconds.
_REFUSED_LATELY_S = 12.0

#: By how much the clocks of this machine and of the database's may differ: due moments are written
#: by the one and compared by the other.
MOST_SKEW_S = 30.0

#: Takes two megabytes of the database's disk for a moment, as a photograph would for longer: rows
#: as short as a pulse find room in half-empty pages for hours after the disk is full.
_NEEDS_ROOM = text(
    "SELECT count(*) FROM unnest(array_fill(repeat('x', 65536), ARRAY[32])) AS block"
)


@cache
def _head() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def check_database(
    engine: Engine,
    *,
    silence_s: float,
    longest_wait_s: float = math.inf,
    now: Callable[[], float] = time.time,
) -> dict[str, bool]:
    """Return what of the service works, as far as the database tells.

    ``database`` answers, ``migrations`` are those of here, a photograph is ``writable``; its
    ``clock`` agrees with the one of here; no job in the ``queue`` has waited for its first attempt
    for longer than ``longest_wait_s``; ``inference`` and ``sweep`` have left a sign of life within
    ``silence_s`` seconds, and no inference process refuses its ``weights``. The engine should not
    pool: a connection that hangs with its server would hang this too.
    """
    parts = dict.fromkeys(
        ("database", "migrations", "writable", "clock", "queue", *_DONE_BY_OTHERS, "weights"),
        False,
    )
    try:
        with engine.connect() as connection:
            parts["database"] = True
            parts["clock"] = abs(_clock_ahead_s(connection, now)) < MOST_SKEW_S
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
            parts["migrations"] = found == _head()
            if parts["migrations"]:
                ages_s = pulse_ages_s(connection)

                def lately(part: Part, within_s: float) -> bool:
                    # A sign from the future was left before the clock was set, whenever that was.
                    return 0 <= ages_s.get(part, math.inf) < within_s

                for part in _DONE_BY_OTHERS:
                    parts[part] = lately(part, silence_s)
                parts["weights"] = not lately(Part.WEIGHTS_REFUSED, _REFUSED_LATELY_S)
                parts["queue"] = _longest_wait_s(connection) <= longest_wait_s
                parts["writable"] = lately(Part.FRONT, _WRITTEN_LATELY_S) or _writes(connection)
    except SQLAlchemyError:
        pass  # whatever was not reached does not work
    return parts


def _clock_ahead_s(connection: Connection, now: Callable[[], float]) -> float:
    theirs = connection.scalar(select(func.extract("epoch", func.clock_timestamp())))
    return float(theirs or 0) - now()


def _longest_wait_s(connection: Connection) -> float:
    return float(connection.scalar(select(func.longest_wait_s())) or 0)


def _writes(connection: Connection) -> bool:
    """Write as a submit would, to the disk."""
    connection.execute(text("SET LOCAL work_mem = '64kB'"))
    connection.execute(_NEEDS_ROOM)
    leave_pulse(connection, Part.FRONT)
    connection.commit()
    return True
