"""The few calls of the REST API that the demonstration makes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import httpx

_PATIENCE_S = 300.0
_FINAL = {"succeeded", "failed", "cancelled", "dead"}


class DemoError(RuntimeError):
    """The service did not do what the demonstration asked; the message holds its answer."""


@dataclass(frozen=True)
class Answer:
    """What the service said of a photograph's largest face.

    `decision` is match, possible or unknown; `subject` is `unknown` unless it is match.
    """

    subject: str
    decision: str
    probability: float
    elapsed_ms: float


def call(http: httpx.Client, method: str, url: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
    """Send a request and return the JSON of its answer. Raises: DemoError: it is no success."""
    answer = http.request(method, url, **more)
    if not answer.is_success:
        raise DemoError(f"{method} {url} answered {answer.status_code}:\n{answer.text}")
    return answer.json() if answer.content else None


def run_job(http: httpx.Client, url: str, images: Sequence[Path], **query: str) -> dict[str, Any]:
    """Submit photographs, poll the job until it ends and return it. Raises: DemoError."""
    parts = [("image", (path.name, path.read_bytes(), "image/jpeg")) for path in images]
    job = call(http, "POST", url, params=query, files=parts)
    deadline = time.monotonic() + _PATIENCE_S
    while job["state"] not in _FINAL:
        if time.monotonic() > deadline:
            raise DemoError(f"The job {job['id']} has not ended in {_PATIENCE_S:.0f} s.")
        job = call(http, "GET", f"/v1/jobs/{job['id']}", params={"wait": "10"})
    if job["state"] != "succeeded":
        raise DemoError(f"The job {job['id']} ended as {job['state']}:\n{job['error']}")
    ended: dict[str, Any] = job
    return ended


def recognise(http: httpx.Client, collection: str, photograph: Path) -> Answer:
    """Ask who the largest face of a photograph is."""
    begin = time.monotonic()
    job = run_job(http, f"/v1/collections/{collection}/recognitions", [photograph])
    elapsed_ms = (time.monotonic() - begin) * 1000
    faces = job["result"]["images"][0]["faces"]
    if not faces:
        return Answer("no face", "", 0.0, elapsed_ms)
    largest = max(faces, key=lambda face: _area(face["box"]))
    best = largest["candidates"][0] if largest["candidates"] else None
    decision = largest["decision"]
    subject = best["subject"] if best and decision == "match" else "unknown"
    return Answer(subject, decision, best["probability"] if best else 0.0, elapsed_ms)


def _area(box: dict[str, float]) -> float:
    return (box["x_max"] - box["x_min"]) * (box["y_max"] - box["y_min"])
