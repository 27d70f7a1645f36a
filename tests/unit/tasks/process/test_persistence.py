from __future__ import annotations

import math
import time

import pytest

from app.domain.errors import (
    DatabaseBusyError,
    InsufficientStorageError,
    NotFoundError,
    ServiceUnavailableError,
)
from tasks.process.persistence import store


class Database:
    """Refuses so many writes."""

    def __init__(self, *refusals):
        self.refusals = list(refusals)
        self.written = 0

    def write(self):
        if self.refusals:
            raise self.refusals.pop(0)
        self.written += 1


def test_a_result_outlasts_a_database_that_is_away_or_full():
    database = Database(ServiceUnavailableError(), InsufficientStorageError())
    store(database.write, deadline=math.inf, again_s=0)
    assert database.written == 1


def test_a_result_is_let_go_when_its_time_is_up():
    database = Database(*[InsufficientStorageError()] * 3)
    with pytest.raises(InsufficientStorageError):
        store(database.write, deadline=time.monotonic() - 1, again_s=0)
    assert len(database.refusals) == 2


def test_an_error_that_stays_is_not_tried_again():
    database = Database(NotFoundError())
    with pytest.raises(NotFoundError):
        store(database.write, deadline=math.inf, again_s=0)
    assert database.written == 0


def test_what_is_too_much_for_a_database_that_works_is_repeated_once():
    database = Database(DatabaseBusyError())
    store(database.write, deadline=math.inf, again_s=0)
    assert database.written == 1
    database = Database(*[DatabaseBusyError()] * 5)
    with pytest.raises(DatabaseBusyError):
        store(database.write, deadline=math.inf, again_s=0)
    assert len(database.refusals) == 3
