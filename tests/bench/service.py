"""The whole service, from outside: by its REST API, and by what its processes use."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psutil
import urllib3

from deploy.demo.service import running_service
from deploy.local.locking import running_process
from deploy.local.paths import StateFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_PATIENCE_S = 120.0
_FINAL = {"succeeded", "failed", "cancelled", "dead"}
_DECODER = "decoder"
#: A word of each process's command line; the first that fits names it.
_KINDS = {
    "tasks.inference_worker": "worker-inference",
    "workers.images.decoder_child": _DECODER,
    "tasks.training_worker": "worker-training",
    "tasks.io_worker worker": "worker-io",
    "tasks.webhooks_worker worker": "worker-webhooks",
    "tasks.io_worker beat": "beat",
    "flower": "flower",
    "app.server": "web",
    "postgres": "postgres",
    "valkey": "redis",
}


class ServiceError(RuntimeError):
    """The service answered what the benchmark cannot go on with; the message holds its words."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service; safe to share between threads."""

    base_url: str
    key: str
    state: StateFolder
    pool: urllib3.PoolManager
    #: Seconds from the command to the moment when everything was ready; absent where it ran before.
    ready_after_s: float | None

    def call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Send a request; return the JSON of its answer. Raises: ServiceError."""
        headers = {"x-api-key": self.key, **more.pop("headers", {})}
        answer = self.pool.request(method, self.base_url + path, headers=headers, **more)
        if answer.status >= 300:
            raise ServiceError(f"{method} {path}: {answer.status} {answer.data[:500]!r}")
        found: dict[str, Any] = answer.json()
        return found

    def submit(self, path: str, images: Sequence[bytes], *, prefer: str = "") -> dict[str, Any]:
        """Submit one job: one image as the body, several as parts of a form."""
        headers = {"Prefer": prefer} if prefer else {}
        if len(images) == 1:
            headers["Content-Type"] = "image/jpeg"
            return self.call("POST", path, body=images[0], headers=headers)
        parts = [("image", ("image.jpg", image, "image/jpeg")) for image in images]
        return self.call("POST", path, fields=parts, headers=headers)

    def finish(self, job: dict[str, Any]) -> dict[str, Any]:
        """Wait for a job; return it. Raises: ServiceError: it did not succeed."""
        deadline = time.monotonic() + _PATIENCE_S
        while job["state"] not in _FINAL:
            if time.monotonic() > deadline:
                raise ServiceError(f"job {job['id']} has not ended in {_PATIENCE_S:.0f} s")
            job = self.call("GET", f"/v1/jobs/{job['id']}?wait=10")
        if job["state"] != "succeeded":
            raise ServiceError(f"job {job['id']} ended as {job['state']}: {job['error']}")
        return job

    def finish_all(self, jobs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Wait for jobs with few requests, as someone with a backlog would; return them.

        Raises: ServiceError: one did not succeed.
        """
        missing = {job["id"]: job for job in jobs}
        ended: list[dict[str, Any]] = []
        while missing:
            self.finish(next(reversed(missing.values())))
            listing, token = "/v1/jobs?state=succeeded&page_size=100", ""
            for _ in range(len(jobs) // 100 + 2):
                page = self.call("GET", listing + token)
                ended += [job for job in page["items"] if missing.pop(job["id"], None)]
                token = f"&page_token={page.get('next_page_token', '')}"
                if not missing or token.endswith("="):
                    break
        return ended

    def processes(self) -> list[tuple[str, psutil.Process]]:
        """Return the processes that work, with the name of what each is part of."""
        top = running_process(self.state)
        found = [] if top is None else psutil.Process(top).children(recursive=True)
        return [(kind, process) for process in found if (kind := _kind(process))]

    def cpu_s(self) -> Counter[str]:
        """Return the processor seconds that each part has used so far."""
        used: Counter[str] = Counter()
        for kind, process in self.processes():
            times = process.cpu_times()
            used[kind] += times.user + times.system  # type: ignore[assignment]
        return used

    def inference_processes(self) -> list[psutil.Process]:
        """Return the processes that hold models: those that a worker's main process has made."""
        workers = [process for kind, process in self.processes() if kind == "worker-inference"]
        return [process for process in workers if process.parent() in workers]


@contextmanager
def bench_service(folder: Path) -> Iterator[Service]:
    """Run a service of the benchmark's own in ``folder``; stop it at the end."""
    begin = time.monotonic()
    with running_service(folder):
        ready_after_s = time.monotonic() - begin
        with service_in(folder, ready_after_s=ready_after_s) as service:
            yield service


@contextmanager
def service_in(folder: Path, *, ready_after_s: float | None = None) -> Iterator[Service]:
    """Give the service that runs from a state folder."""
    access = json.loads((folder / "access.json").read_text())
    with urllib3.PoolManager(maxsize=16, timeout=_PATIENCE_S, retries=False) as pool:
        yield Service(
            access["base_url"], access["admin_key"], StateFolder(folder), pool, ready_after_s
        )


def moment(text: str) -> float:
    """Return the seconds since 1970 of a time in a job."""
    return datetime.fromisoformat(text).timestamp()


def _kind(process: psutil.Process) -> str | None:
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return None
    return next((kind for word, kind in _KINDS.items() if word in line), None)
