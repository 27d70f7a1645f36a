"""The naive switch under the same faults, and what became of its jobs."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from tests.chaos import naive
from tests.chaos.stack import Stack, wait_for

#: When nothing has happened for so long, nothing will for an hour.
_QUIET_S = 3


class Rival:
    """The naive app in a running stack; it shares servers with the product, and nothing else.

    ``late`` chooses the variant with late acknowledgement.
    """

    def __init__(self, stack: Stack, *, late: bool = False) -> None:
        self.stack = stack
        self.program = "naive-late" if late else "naive"
        database = 2 if late else 1
        with stack.redis_client(database) as client:
            client.flushdb()
        with stack.database() as connection:
            connection.execute("TRUNCATE naive_faces")
        if not stack.runs(self.program):
            stack.start(self.program)
        self.celery = Celery("rival", broker=stack.redis.url(database), set_as_current=False)
        self.accepted = 0
        self.wait_for_start()

    def close(self) -> None:
        self.celery.close()

    def submit(self, count: int, *order) -> None:
        for number in range(self.accepted, self.accepted + count):
            naive.submit(self.celery, number, *order)
        self.accepted += count

    def ended(self) -> Counter:
        """Count the effects of each job."""
        with self.stack.database() as connection:
            rows = connection.execute("SELECT number FROM naive_faces").fetchall()
        return Counter(number for (number,) in rows)

    def settle(self, patience_s: float = 60) -> None:
        """Wait until everything is done, or nothing has happened for a while."""
        self.wait_for_start()
        seen, since = None, time.monotonic()

        def settled():
            nonlocal seen, since
            now = self.ended()
            if now != seen:
                seen, since = now, time.monotonic()
            return len(now) == self.accepted or time.monotonic() - since > _QUIET_S

        wait_for(settled, patience_s, "the naive switch")

    def settle_late(self) -> None:
        """Wait until any job is done twice, which a naive switch is given some time for."""
        with suppress(AssertionError):
            wait_for(lambda: self.twice, 10)

    def wait_for_start(self) -> None:
        """Wait until the worker takes tasks; without this a slow start would look like a loss."""
        wait_for(lambda: self.stack.revive() or self._answers(), what="the naive worker")

    def _answers(self) -> bool:
        with suppress(OperationalError, RedisError, OSError):
            return bool(self.celery.control.ping(timeout=0.5))
        return False

    @property
    def lost(self) -> int:
        return self.accepted - len(self.ended())

    @property
    def twice(self) -> int:
        return sum(1 for effects in self.ended().values() if effects > 1)

    def __str__(self) -> str:
        return f"of {self.accepted} jobs {self.lost} lost, {self.twice} done twice"
