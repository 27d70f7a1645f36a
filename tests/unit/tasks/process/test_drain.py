"""How long a worker that is told to stop waits for its tasks."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from celery.signals import task_postrun, task_prerun

from tasks.process.drain import DrainingWorker

pytestmark = pytest.mark.timeout(60)

#: Longer than any test may take.
_FOR_EVER_S = 3600


def _stop(patience_s):
    """Tell a worker to stop that has so much patience; return when it does."""
    worker = SimpleNamespace(
        app=SimpleNamespace(conf=SimpleNamespace(worker_soft_shutdown_timeout=patience_s))
    )
    DrainingWorker.wait_for_soft_shutdown(worker)


def test_an_idle_worker_stops_at_once():
    _stop(_FOR_EVER_S)


def test_a_task_in_a_thread_of_the_worker_is_waited_for_as_long_as_it_runs():
    told = task_prerun.send(sender=None, task_id="a")
    assert {raised for _, raised in told} == {None}
    ended = []

    def end():
        ended.append("a")
        task_postrun.send(sender=None, task_id="a")

    threading.Timer(0.5, end).start()
    _stop(_FOR_EVER_S)
    assert ended == ["a"]


def test_a_task_without_end_is_not_waited_for_for_ever():
    task_prerun.send(sender=None, task_id="b")
    begin = time.monotonic()
    _stop(0.5)
    assert time.monotonic() - begin >= 0.5
    task_postrun.send(sender=None, task_id="b")
