"""Postgres tells every waiting process that a job has ended."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg

from app.storage.jobs.statements import JOB_ENDED_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.storage.database.tenancy import DatabaseRole

_LOG = logging.getLogger(__name__)

#: How often a waiter looks for itself, in case a notification was lost with the connection.
_LOOK_AGAIN_S = 2.0

_RECONNECT_S = 1.0


class PostgresJobBell:
    """Shares one listening connection between all waiting threads of a process.

    The connection is opened by the first waiter and reopened when it is lost.
    """

    def __init__(self, url: str, *, role: DatabaseRole | None = None) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._options = None if role is None else f"-c role={role}"
        self._lock = threading.Lock()
        self._waiting: dict[UUID, set[threading.Event]] = defaultdict(set)
        self._listener: threading.Thread | None = None
        self._listening = threading.Event()
        self._connection: psycopg.Connection | None = None
        self._closed = threading.Event()

    def close(self) -> None:
        """Stop listening, for a process that goes on without the database; no one may wait now."""
        with self._lock:
            self._closed.set()
            if self._connection is not None:
                _hang_up(self._connection)
        if self._listener is not None:
            self._listener.join()

    def wait(self, job_id: UUID, timeout_s: float, *, ended: Callable[[], bool]) -> None:
        """See :meth:`app.services.ports.JobBell.wait`."""
        deadline = time.monotonic() + timeout_s
        with self._registered(job_id) as rung:
            self._listening.wait(min(timeout_s, _RECONNECT_S))
            while not ended():
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                if rung.wait(min(left, _LOOK_AGAIN_S)):
                    return

    @contextmanager
    def _registered(self, job_id: UUID) -> Iterator[threading.Event]:
        rung = threading.Event()
        with self._lock:
            self._waiting[job_id].add(rung)
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, name="bell", daemon=True)
                self._listener.start()
        try:
            yield rung
        finally:
            with self._lock:
                self._waiting[job_id].discard(rung)
                if not self._waiting[job_id]:
                    del self._waiting[job_id]

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                with psycopg.connect(
                    self._url, autocommit=True, connect_timeout=3, options=self._options
                ) as connection:
                    self._take_rings(connection)
            except psycopg.Error as error:
                if not self._closed.is_set():
                    _LOG.warning("listening for ended jobs failed: %s", type(error).__name__)
            self._listening.clear()
            self._closed.wait(_RECONNECT_S)

    def _take_rings(self, connection: psycopg.Connection) -> None:
        """Listen until the connection is lost, or closed by `close`. Raises: psycopg.Error."""
        with self._lock:
            if self._closed.is_set():
                return
            self._connection = connection
        try:
            connection.execute(f"LISTEN {JOB_ENDED_CHANNEL}")
            self._listening.set()
            for notification in connection.notifies():
                self._ring(UUID(notification.payload))
        finally:
            with self._lock:
                self._connection = None

    def _ring(self, job_id: UUID) -> None:
        with self._lock:
            for rung in self._waiting.get(job_id, ()):
                rung.set()


def _hang_up(connection: psycopg.Connection) -> None:
    """End a connection on which another thread waits: it is woken as by a server that goes."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
