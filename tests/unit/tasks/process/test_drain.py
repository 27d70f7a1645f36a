"""How long a worker that is told to stop waits for its tasks."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

from celery.signals import task_postrun, task_prerun

from tasks.process.drain import DrainingWorker


def _stop(patience_s):
    """Return the seconds that a worker waits which is told to stop now."""
    worker = SimpleNamespace(
        app=SimpleNamespace(conf=SimpleNamespace(worker_soft_shutdown_timeout=patience_s))
    )
    begin = time.monotonic()
    DrainingWorker.wait_for_soft_shutdown(worker)
    return time.monotonic() - begin


def test_an_idle_worker_stops_at_once():
    assert _stop(30) < 5


def test_a_task_in_a_thread_of_the_worker_is_waited_for_as_long_as_it_runs():
    told = task_prerun.send(sender=None, task_id="a")
    assert {raised for _, raised in told} == {None}
    threading.Timer(0.5, task_postrun.send, kwargs={"sender": None, "task_id": "a"}).start()
    assert 0.3 < _stop(30) < 10


def test_a_task_without_end_is_not_waited_for_for_ever():
    task_prerun.send(sender=None, task_id="b")
    assert 0.3 < _stop(0.5) < 10
    task_postrun.send(sender=None, task_id="b")
