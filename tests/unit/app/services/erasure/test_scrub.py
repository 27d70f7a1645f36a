from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from fakes import FakeClock

from app.domain.job import JobState, JobType
from app.services.erasure.scrub import scrub_if_due

WINDOW = timedelta(hours=24)


class FakeScrub:
    """Waits for so many hours; remembers its runs."""

    def __init__(self, clock, waited_h):
        self._oldest = None if waited_h is None else clock.now() - timedelta(hours=waited_h)
        self.runs = 0

    def oldest(self):
        return self._oldest

    def run(self):
        self.runs += 1
        return 1


def _uow(*states):
    @contextmanager
    def begin():
        counts = {(JobType.RECOGNITION, state): 1 for state in states}
        yield SimpleNamespace(jobs=SimpleNamespace(counts=lambda: counts))

    return begin


@pytest.mark.parametrize(
    ("waited_h", "states", "runs"),
    [
        (None, [], 0),
        (0.5, [JobState.SUCCEEDED], 0),
        (2, [JobState.SUCCEEDED], 1),
        (2, [JobState.QUEUED], 0),
        (2, [JobState.SUCCEEDED, JobState.RUNNING], 0),
        (19, [JobState.RUNNING], 1),
    ],
)
def test_a_scrub_waits_for_a_quiet_moment_but_not_past_its_window(waited_h, states, runs):
    clock = FakeClock()
    scrub = FakeScrub(clock, waited_h)
    assert scrub_if_due(scrub, window=WINDOW, uow=_uow(*states), clock=clock) == runs
    assert scrub.runs == runs
