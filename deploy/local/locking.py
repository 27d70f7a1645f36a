"""One stack per state folder: the lock that a running one holds."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.local.paths import StateFolder


class AlreadyRunningError(RuntimeError):
    """Another process runs this stack; `make down` stops it."""


@contextmanager
def sole_runner(state: StateFolder) -> Iterator[None]:
    """Hold the folder's lock, which ends with the process however that ends.

    Raises: AlreadyRunningError: someone else holds it.
    """
    state.prepare()
    with state.lock.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(
                f"A stack already runs on {state.root} (process {running_process(state)}). "
                "Stop it with `make down`."
            ) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield


def running_process(state: StateFolder) -> int | None:
    """Return the process id of the running stack, or None when the lock is free."""
    if not state.lock.exists():
        return None
    with state.lock.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            content = stream.read()
            return int(content) if content else None
    return None
