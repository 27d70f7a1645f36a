"""Requests at a fixed rate, whatever becomes of those before, as a crowd of clients sends them."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

_SENDERS = 48


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and after how long since it was meant to be sent."""

    status: int
    headers: httpx.Headers
    job_id: str | None
    took_s: float


class OpenLoop:
    """A crowd with one key."""

    def __init__(self, stack, key: str) -> None:
        self._stack = stack
        self._key = key

    def send(self, pictures, *, per_second: float, seconds: float) -> list[Answer]:
        """Submit pictures as detections for so long."""
        with self._stack.client(self._key) as http, ThreadPoolExecutor(_SENDERS) as senders:
            begin = time.monotonic()
            sent = []
            for number, picture in zip(itertools.count(), pictures, strict=False):
                at = begin + number / per_second
                if at > begin + seconds:
                    break
                time.sleep(max(0.0, at - time.monotonic()))
                sent.append(senders.submit(_post, http, picture, at))
            return [one.result() for one in sent]


def _post(http: httpx.Client, picture: bytes, at: float) -> Answer:
    answer = http.post("/v1/detections", files={"image": picture})
    took_s = time.monotonic() - at
    accepted = answer.status_code == httpx.codes.ACCEPTED
    job_id = answer.json()["id"] if accepted else None
    return Answer(answer.status_code, answer.headers, job_id, took_s)
