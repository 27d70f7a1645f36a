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


class DrainingWorker(Worker):
    """Stops as soon as what runs has ended, or after ``worker_soft_shutdown_timeout`` seconds.

    Celery's own sleeps for all of that time, since it learns of the end of a task in the loop that
    the signal has interrupted.
    """

    def wait_for_soft_shutdown(self) -> None:
        """Wait until no child runs a task. No child begins another meanwhile."""
        deadline = time.monotonic() + self.app.conf.worker_soft_shutdown_timeout
        while any(_busy) and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN_S)


def end_when_told() -> None:
    """Unwind at the signals by which a stopping worker ends its children.

    Celery's children ignore SIGQUIT, and where TERM is mapped
    to it they would run on until they are killed; unwinding, they can hand their jobs back.
    """
    _set_busy(running=False)  # the one before in this place may have been killed
    for told in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(told, _end)


def _end(_: int, __: FrameType | None) -> NoReturn:
    raise SystemExit


@task_prerun.connect
def _begin_task(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    _set_busy(running=True)


@task_postrun.connect
def _end_task(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    _set_busy(running=False)


def _set_busy(*, running: bool) -> None:
    _busy[current_process().index] = running
