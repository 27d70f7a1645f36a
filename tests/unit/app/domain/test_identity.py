from __future__ import annotations

import threading
import time
from uuid import RFC_4122

from app.domain import identity
from app.domain.identity import new_id


def test_an_id_tells_the_millisecond_in_which_it_was_drawn():
    before = time.time_ns() // 1_000_000
    drawn = new_id()
    assert before <= drawn.int >> 80 <= time.time_ns() // 1_000_000
    assert (drawn.version, drawn.variant) == (7, RFC_4122)


def test_ids_are_in_the_order_in_which_they_were_drawn():
    drawn = [new_id() for _ in range(10_000)]
    assert drawn == sorted(set(drawn))


def test_ids_stay_in_order_when_the_clock_is_set_back(monkeypatch):
    now = time.time_ns()
    monkeypatch.setattr(identity, "_drawn", threading.local())
    monkeypatch.setattr(identity.time, "time_ns", lambda: now - 60 * 10**9)
    with monkeypatch.context() as ahead:
        ahead.setattr(identity.time, "time_ns", lambda: now + 60 * 10**9)
        first = new_id()
    second = new_id()
    assert first < second
    assert (second.version, second.variant) == (7, RFC_4122)
