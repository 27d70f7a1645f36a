"""What the way through the queue adds, while nothing else waits, to the same work in process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.bench.contestants import Crew
    from tests.bench.service import Service


@dataclass(frozen=True, slots=True)
class Latencies:
    """Seconds for each photograph, in the order sent."""

    in_process: list[float]
    #: One request with ``Prefer: wait``.
    waiting: list[float]
    #: A submit, then one request for the job that waits for its end.
    polling: list[float]

    @property
    def added_by_waiting(self) -> list[float]:
        return _differences(self.waiting, self.in_process)

    @property
    def added_by_polling(self) -> list[float]:
        return _differences(self.polling, self.in_process)


def measure_latency(
    service: Service, path: str, pipeline: Crew, files: Sequence[Path], *, deadline: float
) -> Latencies:
    """Do every photograph in process, waiting and polling, in turn, until the deadline.

    ``deadline`` is a moment of ``time.monotonic``.
    """
    found = Latencies([], [], [])
    for file in files:
        if time.monotonic() > deadline and found.polling:
            break
        image = file.read_bytes()
        found.in_process.append(pipeline.time_one(file))
        begin = time.perf_counter()
        service.finish(service.submit(path, [image], prefer="wait=10"))
        found.waiting.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        service.finish(service.submit(path, [image]))
        found.polling.append(time.perf_counter() - begin)
    return found


def _differences(one: list[float], other: list[float]) -> list[float]:
    return [a - b for a, b in zip(one, other, strict=True)]
