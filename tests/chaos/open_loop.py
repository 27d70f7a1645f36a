"""Requests at a fixed rate, whatever becomes of those before, as a crowd of clients sends them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from uuid import UUID

import httpx

from tests.chaos.orders import picture
from tests.chaos.stack import Stack, wait_for
from tests.chaos.stub_models import seconds_of

_SENDERS = 48
_NUMBERS = count(2_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, and after how long since it was meant to be sent."""

    status: int
    headers: httpx.Headers
    job_id: UUID | None
    took_s: float
    #: How long the models take for the picture.
    worth_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What the database says of an accepted job."""

    state: str
    waited_s: float
    took_s: float
    finished_at: float
    worth_s: float


def send(stack: Stack, key: str, *, per_second: float, seconds: float) -> list[Answer]:
    """Submit pictures as detections for so long; return what was answered, in order."""
    with stack.client(key) as http, ThreadPoolExecutor(_SENDERS) as senders:
        begin = time.monotonic()
        sent = []
        for number in range(int(per_second * seconds)):
            at = begin + number / per_second
            time.sleep(max(0.0, at - time.monotonic()))
            sent.append(senders.submit(_post, http, picture(next(_NUMBERS)), at))
        return [one.result() for one in sent]


def _post(http: httpx.Client, data: bytes, at: float) -> Answer:
    answer = http.post("/v1/detections", files={"image": data})
    accepted = answer.status_code == httpx.codes.ACCEPTED
    return Answer(
        status=answer.status_code,
        headers=answer.headers,
        job_id=UUID(answer.json()["id"]) if accepted else None,
        took_s=time.monotonic() - at,
        worth_s=seconds_of(data),
    )


def ended(stack: Stack, answers: list[Answer]) -> list[Ended]:
    """Wait for the jobs that were accepted; return what became of each, in order."""
    worth_s = {answer.job_id: answer.worth_s for answer in answers if answer.job_id}
    with stack.database() as connection:
        wait_for(
            lambda: connection.execute(
                "SELECT count(*) = 0 FROM jobs"
                " WHERE id = ANY(%s) AND state IN ('queued', 'running')",
                [list(worth_s)],
            ).fetchone()[0],
            what="the jobs to end",
        )
        rows = connection.execute(
            "SELECT id, state, extract(epoch FROM started_at - created_at)::float,"
            " extract(epoch FROM finished_at - created_at)::float,"
            " extract(epoch FROM finished_at)::float"
            " FROM jobs WHERE id = ANY(%s) ORDER BY created_at",
            [list(worth_s)],
        ).fetchall()
    return [
        Ended(state=state, waited_s=waited, took_s=took, finished_at=at, worth_s=worth_s[job_id])
        for job_id, state, waited, took, at in rows
    ]
