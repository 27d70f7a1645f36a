"""Health that tells the truth: what is broken is named, and what is mended is well again."""

from __future__ import annotations

import shutil
import signal
import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from celery import Celery

from app.messaging.celery import configure
from app.messaging.names import QueueName
from deploy.local.paths import PROJECT
from tests.chaos.orders import picture
from tests.chaos.stack import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long a fault may stay unnamed, and its end unnoticed.
NAMED_S, WELL_S = 10, 15
#: A worker that answers and consumes nothing may take longer to be found.
CATATONIC_S = 60

_WORKER = f"inference@{socket.gethostname()}"
_CONSUMED = (QueueName.INTERACTIVE, QueueName.INFERENCE)

_SKEW = """
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql
    AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 minute' $$;
ALTER DATABASE vultus SET search_path = public, pg_catalog;
"""
_NO_SKEW = """
ALTER DATABASE vultus RESET search_path;
DROP FUNCTION public.clock_timestamp();
"""


@dataclass(frozen=True)
class Fault:
    """A way to break the running stack for the length of a block."""

    name: str
    #: What health has to call it.
    part: str
    broken: Callable
    #: Whether submits cannot be stored meanwhile, so that balancers have to know.
    unready: bool = False
    named_s: float = NAMED_S


class _Faults:
    def __init__(self, stack, folder):
        self._stack = stack
        self._folder = folder
        self.celery = configure(Celery(set_as_current=False), stack.redis.url())
        self.pinged = False

    def all(self):
        """Return every fault, the quick ones first."""
        stack, volumes = self._stack, self._stack.volumes
        faults = [
            Fault("catatonic worker", "inference", self._catatonic, named_s=CATATONIC_S),
            Fault("clock skew", "clock", lambda: self._sql(_SKEW, _NO_SKEW)),
            Fault("migrations behind", "migrations", self._other_version, unready=True),
            Fault("read-only database", "writable", self._read_only, unready=True),
            Fault("queue over its bound", "queue", self._old_queue),
            Fault("full disk", "disk", lambda: volumes.full(volumes.own), unready=True),
            Fault("full database", "writable", lambda: volumes.full(volumes.tables), unready=True),
            Fault("frozen broker", "broker", lambda: self._frozen("redis")),
            Fault("broker down", "broker", lambda: self._down("redis", signal.SIGKILL)),
            Fault(
                "database down",
                "database",
                lambda: self._down("postgres", signal.SIGQUIT),
                unready=True,
            ),
            Fault("stopped worker", "inference", lambda: self._frozen("worker")),
            Fault("dead sweep", "sweep", lambda: self._down("beat", signal.SIGKILL)),
            Fault("wrong weights", "weights", self._wrong_weights),
        ]
        return [fault for fault in faults if "full" not in fault.name or stack.volumes.can_be_full]

    @contextmanager
    def _catatonic(self):
        """Let the worker answer, and consume nothing."""
        for queue in _CONSUMED:
            self.celery.control.cancel_consumer(queue, destination=[_WORKER])
        try:
            yield
            self.pinged = bool(self.celery.control.ping(destination=[_WORKER], timeout=2))
        finally:
            for queue in _CONSUMED:
                self.celery.control.add_consumer(queue, destination=[_WORKER])

    @contextmanager
    def _frozen(self, program):
        self._stack.signal(program, signal.SIGSTOP)
        try:
            yield
        finally:
            self._stack.signal(program, signal.SIGCONT)

    @contextmanager
    def _down(self, program, how):
        self._stack.end(program, how)
        try:
            yield
        finally:
            self._stack.start(program)

    @contextmanager
    def _sql(self, breaks, mends):
        self._execute(breaks)
        try:
            yield
        finally:
            self._execute(mends)

    def _execute(self, statements):
        with self._stack.database() as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(statements)

    def _read_only(self):
        setting = "ALTER DATABASE vultus {} default_transaction_read_only"
        return self._sql(setting.format("SET") + " = on", setting.format("RESET"))

    def _other_version(self):
        """Let the tables be those of another version."""
        change = "UPDATE alembic_version SET version_num = {}"
        return self._sql(
            change.format("'x' || version_num"), change.format("substr(version_num, 2)")
        )

    @contextmanager
    def _old_queue(self):
        """Let a job have waited for ten minutes, and go on waiting."""
        with self._frozen("worker"):
            with self._stack.client() as http:
                http.post("/v1/detections", files={"image": picture(0)}).raise_for_status()
            self._execute(
                "UPDATE jobs SET created_at = created_at - interval '10 minutes'"
                " WHERE state = 'queued'"
            )
            yield

    @contextmanager
    def _wrong_weights(self):
        """Run the real worker on weights with one bit changed."""
        weights = self._folder / "weights"
        shutil.copytree(PROJECT / "models_weights", weights)
        for file in (weights / "files").glob("pnet*"):
            content = bytearray(file.read_bytes())
            content[-1] ^= 1
            file.write_bytes(content)
        self._stack.end("worker")
        self._stack.launch("true-worker", VULTUS_WEIGHTS_DIR=str(weights))
        try:
            yield
        finally:
            self._stack.remove("true-worker")
            self._stack.start("worker")


def _seconds_until(http, path, wanted, patience_s, between=lambda: None):
    """Return the seconds until a page answers as wanted, or None; the front lives all the time."""
    begin = time.monotonic()
    while time.monotonic() - begin < patience_s:
        assert http.get("/health/live").status_code == 200
        if wanted(http.get(path)):
            return time.monotonic() - begin
        between()
        time.sleep(0.1)
    return None


def _is_well(answer):
    return answer.status_code == 200


@pytest.mark.timeout(600)
def test_every_fault_is_named_and_every_recovery_too(stack, tmp_path, size, at_most, finding):
    faults = _Faults(stack, tmp_path)
    tried = faults.all()
    tried = tried[: size(small=6, fast=len(tried), full=len(tried))]
    named, well = {}, {}
    with ExitStack() as held:
        http = held.enter_context(stack.client())
        held.enter_context(faults.celery)
        stack.wait_for_worker()
        wait_for(lambda: stack.revive() or _is_well(http.get("/health/working")), what="health")
        for fault in tried:

            def names(answer, fault=fault):
                return answer.status_code == 503 and fault.part in answer.json()["detail"]

            path = "/health/ready" if fault.unready else "/health/working"
            with fault.broken():
                named[fault.name] = _seconds_until(http, path, names, at_most(fault.named_s))
            well[fault.name] = _seconds_until(
                http, "/health/working", _is_well, at_most(WELL_S), stack.revive
            )
    unnamed = [name for name, after_s in named.items() if after_s is None]
    ill = [name for name, after_s in well.items() if after_s is None]
    finding(
        test="T28",
        promise="Health names what is broken, also a worker that answers and consumes nothing",
        n=len(tried),
        figure=f"{len(tried) - len(unnamed)} named, the slowest after {_slowest(named)};"
        f" {len(tried) - len(ill)} well again, the slowest after {_slowest(well)}"
        f"{_missed('not named', unnamed)}{_missed('not well', ill)}",
        passed=not unnamed and not ill,
        naive="a ping was answered by the worker that consumed nothing"
        if faults.pinged
        else "the ping was not answered",
        naive_failed=faults.pinged,
    )


def _missed(what, names):
    return f"; {what}: {', '.join(names)}" if names else ""


def _slowest(seconds):
    after_s, name = max((after_s or 0, name) for name, after_s in seconds.items())
    return f"{after_s:.1f} s ({name})"
