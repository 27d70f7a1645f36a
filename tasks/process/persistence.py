"""A result that is there outlasts a database that takes none for a while."""

from __future__ import annotations

import logging
import time
from traceback import clear_frames
from typing import TYPE_CHECKING

from app.domain.errors import DatabaseBusyError, ServiceUnavailableError, VultusError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain.job import Job
    from app.services.jobs.desk import JobDesk

_LOG = logging.getLogger(__name__)

#: For how long a worker holds on to what it has worked out; far below the time limit of a task.
PATIENCE_S = 120.0

_AGAIN_S = 1.0


def store(write: Callable[[], object], *, deadline: float, again_s: float = _AGAIN_S) -> None:
    """Write, again and again until the deadline while the database is away or full.

    The ``deadline`` is one of ``time.monotonic``. What is too much for a database that works is
    repeated once: it may be this job's own fault, and others wait.
    Raises: ServiceUnavailableError: it is away or full still, or busy again.
    """
    busy = False
    while True:
        try:
            write()
        except ServiceUnavailableError as error:
            if busy and isinstance(error, DatabaseBusyError):
                raise
            busy = isinstance(error, DatabaseBusyError)
            if time.monotonic() > deadline:
                raise
            _LOG.warning("a result waits to be stored: %s", error.slug)
            time.sleep(again_s)
        else:
            return


def retry(claim: Job, desk: JobDesk, *, fault: BaseException) -> None:
    """Let a claimed job be tried again after a fault, which counts as an attempt.

    The fault is made to let go of what its calls held: where it was the memory, too little would be
    left to write with.
    """
    clear_frames(fault.__traceback__)
    _or_let_lapse(claim, lambda: desk.retry(claim, fault=fault))


def excuse(claim: Job, desk: JobDesk) -> None:
    """Let a claimed job be tried again at once: this process must stop."""
    _or_let_lapse(claim, lambda: desk.excuse(claim))


def _or_let_lapse(claim: Job, write: Callable[[], None]) -> None:
    """Write, or leave it to the sweep, which excuses what lapses while nothing can be stored."""
    try:
        write()
    except VultusError as error:
        _LOG.warning("a claim is left to lapse: %s", error.slug, extra={"job_id": str(claim.id)})
