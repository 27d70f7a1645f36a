"""Throughput of the service: a backlog is submitted, and time runs until its last job is done."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.service import moment

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from tests.bench.service import Service

_CLIENTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """One backlog, from the first request to the end of the last job."""

    images: int
    elapsed_s: float
    #: Processor seconds by part of the service.
    cpu_s: Counter[str]
    #: After the last submit was answered the workers have the machine to themselves: the images
    #: that were done from then on, and the seconds that they took.
    drained_images: int
    drained_s: float

    @property
    def images_per_s(self) -> float:
        return self.images / self.elapsed_s

    @property
    def drained_per_s(self) -> float | None:
        """Images per second without any submits; nothing where next to none were left."""
        return self.drained_images / self.drained_s if self.drained_s > 1 else None


def work_off(service: Service, path: str, images: Sequence[bytes], *, per_job: int) -> Backlog:
    """Submit the images from several clients at once, ``per_job`` together, and wait for all."""
    batches = [images[start : start + per_job] for start in range(0, len(images), per_job)]
    before = service.cpu_s()
    begin = time.time()
    with ThreadPoolExecutor(_CLIENTS) as clients:
        submitted = list(clients.map(lambda batch: service.submit(path, batch), batches))
    all_submitted = time.time()
    ended = service.finish_all(submitted)
    cpu_s = service.cpu_s() - before
    ends = [(moment(job["finished_at"]), job["progress"]["total"]) for job in ended]
    end = max(at for at, _ in ends)
    return Backlog(
        images=len(images),
        elapsed_s=end - begin,
        cpu_s=cpu_s,
        drained_images=sum(total for at, total in ends if at > all_submitted),
        drained_s=max(0.0, end - all_submitted),
    )


def submit_cost_s(service: Service, path: str, images: Sequence[bytes]) -> float:
    """Return the seconds until one job with all these images was accepted by an idle service."""
    begin = time.perf_counter()
    job = service.submit(path, images)
    spent = time.perf_counter() - begin
    service.finish(job)
    return spent
