"""Health that tells the truth: what is broken is named, and what is mended is well again."""

from __future__ import annotations

import os
import signal
import socket
import time

import httpx
import psycopg
import pytest
from celery import Celery

from app.messaging.celery import configure
from app.messaging.names import QueueName

#: How long a fault, and its end, may stay unnoticed.
NOTICED_S = {"catatonic worker": 60, "stopped worker": 60, "stopped sweep": 60}
_OTHERWISE_S = 15

_WORKER = f"inference@{socket.gethostname()}"
_CONSUMED = (QueueName.INTERACTIVE, QueueName.INFERENCE)


class _Faults:
    """Ways to break the running service, each a function that breaks and one that mends."""

    def __init__(self, service):
        self._service = service
        self._celery = configure(Celery(set_as_current=False), service.redis_url())

    def all(self):
        yield "catatonic worker", "inference", self._consume_nothing, self._consume
        yield "read-only database", "writable", self._read_only, self._writable
        yield "database of another version", "migrations", self._forget_version, self._recall
        for name, part, programs in [
            ("stopped worker", "inference", ["worker-inference"]),
            ("stopped sweep", "sweep", ["beat"]),
            ("black-holed broker", "broker", ["redis"]),
            ("black-holed database", "database", ["postgres"]),
        ]:
            yield name, part, *self._signals(programs)

    def _signals(self, programs):
        def send(number):
            for program in programs:
                os.killpg(os.getpgid(self._service.processes()[program]), number)

        return lambda: send(signal.SIGSTOP), lambda: send(signal.SIGCONT)

    def _consume_nothing(self):
        for queue in _CONSUMED:
            self._celery.control.cancel_consumer(queue, destination=[_WORKER])

    def _consume(self):
        for queue in _CONSUMED:
            self._celery.control.add_consumer(queue, destination=[_WORKER])

    def answers_ping(self):
        return bool(self._celery.control.ping(destination=[_WORKER], timeout=2))

    def _execute(self, *statements):
        with psycopg.connect(self._service.database_url(), autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            for statement in statements:
                connection.execute(statement)

    def _read_only(self):
        self._execute("ALTER DATABASE vultus SET default_transaction_read_only = on")

    def _writable(self):
        self._execute("ALTER DATABASE vultus RESET default_transaction_read_only")

    def _forget_version(self):
        self._execute("UPDATE alembic_version SET version_num = 'x' || version_num")

    def _recall(self):
        self._execute("UPDATE alembic_version SET version_num = substr(version_num, 2)")


def _wait_for(service, path, wanted, patience_s):
    """Return the seconds until the health page tells it, or None."""
    begin = time.monotonic()
    with httpx.Client(base_url=service.base_url, timeout=10, trust_env=False) as http:
        while time.monotonic() - begin < patience_s:
            assert http.get("/health/live").status_code == 200
            if wanted(http.get(path)):
                return time.monotonic() - begin
            time.sleep(0.2)
    return None


@pytest.mark.timeout(600)
def test_every_fault_is_named_and_every_recovery_too(service, size, finding):
    faults = _Faults(service)
    tried = list(faults.all())[: size(small=3, fast=7, full=7)]
    slowest_s, unnoticed, unhealed, pinged = 0.0, [], [], False
    assert _wait_for(service, "/health/working", lambda a: a.status_code == 200, 60) is not None
    for name, part, breaks, mends in tried:
        patience_s = NOTICED_S.get(name, _OTHERWISE_S)
        breaks()
        try:
            noticed_s = _wait_for(
                service,
                "/health/working",
                lambda answer, part=part: (
                    answer.status_code == 503 and part in answer.json()["detail"]
                ),
                patience_s,
            )
            if name == "catatonic worker":
                pinged = faults.answers_ping()
        finally:
            mends()
        healed_s = _wait_for(
            service, "/health/working", lambda answer: answer.status_code == 200, patience_s
        )
        unnoticed += [name] if noticed_s is None else []
        unhealed += [name] if healed_s is None else []
        slowest_s = max(slowest_s, noticed_s or patience_s, healed_s or patience_s)
    finding(
        test="T28",
        promise="Health names what is broken, also a worker that answers and consumes nothing",
        n=len(tried),
        figure=f"{len(tried) - len(unnoticed)} named, {len(tried) - len(unhealed)} well again, the"
        f" slowest after {slowest_s:.0f} s",
        passed=not unnoticed and not unhealed,
        naive="a ping was answered by the worker that consumed nothing"
        if pinged
        else "the ping was not answered",
        naive_failed=pinged,
    )
