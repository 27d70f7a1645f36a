"""Signs of life in Postgres: a process that leaves one takes messages and reaches the database."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from app.domain.pulse import Part
from app.storage.tables import PulseRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection, Engine

_LOG = logging.getLogger(__name__)


class PostgresPulses:
    """See :class:`app.services.ports.Pulses`; safe to share between threads."""

    def __init__(
        self,
        engine: Engine,
        *,
        interval_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._interval_s = interval_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._next_at: dict[Part, float] = {}

    def leave(self, part: Part) -> None:
        now = self._monotonic()
        with self._lock:
            if now < self._next_at.get(part, now):
                return
            self._next_at[part] = now + self._interval_s
        try:
            with self._engine.begin() as connection:
                leave_pulse(connection, part)
        except SQLAlchemyError as error:
            _LOG.warning("a sign of life could not be left: %s", type(error).__name__)


def leave_pulse(connection: Connection, part: Part) -> None:
    """Note that a part works now, by Postgres' own time, so that machines need not agree on it."""
    pulse = insert(PulseRow).values(part=part, left_at=func.clock_timestamp())
    latest = {"left_at": pulse.excluded.left_at}
    connection.execute(pulse.on_conflict_do_update(index_elements=["part"], set_=latest))


def pulse_ages_s(connection: Connection) -> Mapping[str, float]:
    """Return how many seconds ago each part left its last sign of life."""
    age = func.extract("epoch", func.clock_timestamp() - PulseRow.left_at)
    return {part: float(age_s) for part, age_s in connection.execute(select(PulseRow.part, age))}
