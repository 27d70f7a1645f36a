"""How a worker and the processes that run its tasks end."""

from __future__ import annotations

import multiprocessing
import signal
import time
from typing import TYPE_CHECKING, Any, NoReturn

from billiard import current_process
from celery.apps.worker import Worker
from celery.signals import task_postrun, task_prerun

if TYPE_CHECKING:
    from types import FrameType

_LOOK_AGAIN_S = 0.1

#: Which children run a task, by their place in the pool; they share it with their parent. More
#: than there are of them is no harm.
_busy = multiprocessing.Array("b", 1024, lock=False)
#: The tasks that run in threads of this process, where its pool is one of threads.
_in_threads: set[str] = set()


class DrainingWorker(Worker):
    """Stops as soon as what runs has ended, or after ``worker_soft_shutdown_timeout`` seconds.

    Celery's own sleeps for all of that time, since it learns of the end of a task in the loop that
    the signal has interrupted.
    """

    def wait_for_soft_shutdown(self) -> None:
        """Wait until no task runs. None begins meanwhile."""
        deadline = time.monotonic() + self.app.conf.worker_soft_shutdown_timeout
        while (any(_busy) or _in_threads) and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN_S)


def end_when_told() -> None:
    """Unwind at the signals by which a stopping worker ends its children.

    Celery's children ignore SIGQUIT, and where TERM is mapped
    to it they would run on until they are killed; unwinding, they can excuse their jobs.
    """
    _busy[current_process().index] = False  # the one before in this place may have been killed
    for told in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(told, _end)


def _end(_: int, __: FrameType | None) -> NoReturn:
    raise SystemExit


@task_prerun.connect
def _begin_task(task_id: str, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    _note(task_id, runs=True)


@task_postrun.connect
def _end_task(task_id: str, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    _note(task_id, runs=False)


def _note(task_id: str, *, runs: bool) -> None:
    place = getattr(current_process(), "index", None)  # of a child in its pool
    if place is not None:
        _busy[place] = runs
    elif runs:
        _in_threads.add(task_id)
    else:
        _in_threads.discard(task_id)
