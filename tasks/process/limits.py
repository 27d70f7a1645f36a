"""What one batch may take of time, and one process of memory."""

from __future__ import annotations

import faulthandler
import resource
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_MIB = 2**20


@contextmanager
def patience(limit_s: float) -> Iterator[None]:
    """Bound the time of the block; for the main thread of a process that can be spared.

    Python code is interrupted at three quarters of the limit. What holds the interpreter so that
    it cannot be interrupted ends the process at the limit: by a thread in C, which does not ask for
    the interpreter, and with the traceback in the log.

    Raises: TimeoutError: three quarters of the limit have passed.
    """
    before = signal.signal(signal.SIGALRM, _interrupt)
    faulthandler.dump_traceback_later(limit_s, exit=True)
    signal.setitimer(signal.ITIMER_REAL, limit_s * 0.75)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise TimeoutError("The batch took too long.")


def limit_memory(megabytes: int) -> None:
    """Let this process ask for no more than that: a request beyond raises MemoryError.

    Files that are mapped, as weights are, do not count.
    """
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes * _MIB, most))
