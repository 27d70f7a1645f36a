"""One run against the product: submit as a careful client, wait, and judge by the database."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import numpy as np

from app.domain.job import TRANSITIONS
from tests.chaos.orders import Order, picture
from tests.chaos.stack import PATIENCE_S, Background, Stack, wait_for

#: After these, and after a connection that broke, a client sends again.
REFUSALS = {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.INSUFFICIENT_STORAGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the checker counts; every promise is that the first five are 0."""

    accepted: int
    lost: int
    duplicate: int
    ghost: int
    half: int
    illegal: int
    #: The most attempts that any job took.
    attempts: int
    #: Seconds from the last fault, or a later submit, to the end of 99 of 100 jobs.
    p99_s: float

    @property
    def sound(self) -> bool:
        return not (self.lost or self.duplicate or self.ghost or self.half or self.illegal)

    def __str__(self) -> str:
        return (
            f"{self.accepted} accepted; lost {self.lost}, duplicate {self.duplicate}, ghost"
            f" {self.ghost}, half {self.half}, illegal {self.illegal}; at most {self.attempts}"
            f" attempts; p99 {self.p99_s:.1f} s after the last fault"
        )


class Campaign:
    """A collection of its own in a running stack, and what was submitted to it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.history = stack.history
        self.name = f"campaign-{uuid4().hex[:12]}"
        self.accepted: list[str] = []
        self.last_fault = 0.0
        #: Bytes behind the pixels of each picture.
        self.padding = 0
        stack.wait_for_worker()
        with stack.client() as http:
            answer = http.post("/v1/collections", json={"name": self.name})
            answer.raise_for_status()
            self.collection = answer.json()["id"]

    def submit(self, number: int, order: Order = Order.WORK, *, http: httpx.Client) -> str:
        """Submit until there is an answer, always under the same key; return the job's id."""
        deadline = time.monotonic() + PATIENCE_S
        headers = {"idempotency-key": f'"{self.name} {number}"'}
        while time.monotonic() < deadline:
            begin = time.monotonic()
            self.history.write("submit", campaign=self.name, number=number)
            try:
                answer = http.post(
                    f"/v1/collections/{self.collection}/faces",
                    params={"subject": f"person {number}"},
                    files={"image": picture(number, order) + bytes(self.padding)},
                    headers=headers,
                )
            except httpx.TransportError as error:
                self._answered(number, begin, type(error).__name__)
                time.sleep(0.1)
                continue
            self._answered(number, begin, answer.status_code)
            if answer.status_code == httpx.codes.ACCEPTED:
                job_id = answer.json()["id"]
                self.accepted.append(job_id)
                return job_id
            assert answer.status_code in REFUSALS, answer.text
            time.sleep(min(0.5, float(answer.headers["retry-after"])))
        raise AssertionError("the service did not take the job")

    def submit_many(self, numbers, *, pause_s: float = 0.0) -> None:
        with self.stack.client() as http:
            for number in numbers:
                self.submit(number, http=http)
                time.sleep(pause_s)

    def _answered(self, number, begin, outcome) -> None:
        took_s = time.monotonic() - begin
        self.history.write(
            "answer", campaign=self.name, number=number, outcome=outcome, took_s=took_s
        )

    def answers(self) -> list[dict]:
        """Return every answer that submits of this campaign got, late ones and errors included."""
        return [e for e in self.history.events("answer") if e["campaign"] == self.name]

    def fault(self, kind: str) -> None:
        """Write down that a fault has just been made or ended."""
        self.last_fault = time.time()
        self.history.write("fault", campaign=self.name, kind=kind)

    def state(self, job_id: str) -> dict:
        with self.stack.client() as http:
            return http.get(f"/v1/jobs/{job_id}").raise_for_status().json()

    def wait_for_job(self, job_id: str, state: str = "succeeded") -> dict:
        """Wait until a job is in a state; return the job."""
        wait_for(lambda: self.stack.revive() or self.state(job_id)["state"] == state, what=state)
        return self.state(job_id)

    def is_done(self) -> bool:
        """Tell whether no accepted job is on its way."""
        with self.stack.database() as connection:
            return connection.execute(
                "SELECT count(*) = 0 FROM jobs"
                " WHERE id = ANY(%s) AND state IN ('queued', 'running')",
                [[UUID(job_id) for job_id in self.accepted]],
            ).fetchone()[0]

    def wait(self, patience_s: float = PATIENCE_S) -> None:
        """Wait until no accepted job is on its way."""
        wait_for(self.is_done, patience_s, "the jobs to end")

    def judge(self) -> Verdict:
        """Read the database beside what was accepted."""
        ids = [UUID(job_id) for job_id in self.accepted]
        mine = "collection_id = %(collection)s"
        legal = [(str(old), str(new)) for old, ends in TRANSITIONS.items() for new in ends]
        values = {
            "ids": ids,
            "collection": UUID(self.collection),
            "legal": [" ".join(pair) for pair in legal],
            "fault": self.last_fault,
        }
        with self.stack.database() as connection:

            def count(query: str):
                return connection.execute(query, values).fetchone()[0]

            return Verdict(
                accepted=len(ids),
                lost=len(ids)
                - count(
                    "SELECT count(*) FROM jobs WHERE id = ANY(%(ids)s)"
                    " AND state NOT IN ('queued', 'running')"
                ),
                duplicate=count(
                    f"SELECT count(*) FROM (SELECT FROM faces WHERE {mine} GROUP BY subject_id"
                    " HAVING count(*) > 1) AS twice"
                )
                + len(ids)
                - len(set(ids)),
                ghost=count(
                    f"SELECT count(*) FROM jobs FULL JOIN faces ON faces.job_id = jobs.id"
                    f" WHERE (jobs.{mine} OR faces.{mine})"
                    " AND coalesce(jobs.id, faces.job_id) <> ALL(%(ids)s)"
                ),
                half=count(
                    "SELECT count(*) FROM jobs LEFT JOIN faces ON faces.job_id = jobs.id"
                    " WHERE jobs.id = ANY(%(ids)s)"
                    " AND (jobs.state = 'succeeded') <> (faces.id IS NOT NULL)"
                ),
                illegal=count(
                    "SELECT count(*) FROM chaos_transitions"
                    " WHERE job_id = ANY(%(ids)s) AND old || ' ' || new <> ALL(%(legal)s)"
                ),
                attempts=count(
                    "SELECT coalesce(max(attempt), 0) FROM jobs WHERE id = ANY(%(ids)s)"
                ),
                p99_s=float(np.quantile(self._delays(connection, ids), 0.99)) if ids else 0.0,
            )

    def _delays(self, connection, ids) -> list[float]:
        rows = connection.execute(
            "SELECT extract(epoch FROM finished_at - created_at)::float,"
            " extract(epoch FROM finished_at)::float - %s"
            " FROM jobs WHERE id = ANY(%s) AND finished_at IS NOT NULL",
            [self.last_fault, ids],
        )
        return [max(0.0, min(since_submit, since_fault)) for since_submit, since_fault in rows]


def submitting(campaign: Campaign, jobs: int, *, pause_s: float = 0.0) -> list[Background]:
    """Start two clients that share the jobs; each pauses between two submits."""
    return [
        Background(lambda n=n: campaign.submit_many(range(n, jobs, 2), pause_s=pause_s))
        for n in range(2)
    ]


def finish(campaign: Campaign, clients: list[Background], patience_s: float = 400) -> Verdict:
    """Wait for the clients and for their jobs, then judge."""
    for client in clients:
        wait_for(lambda c=client: campaign.stack.revive() or not c.is_alive(), patience_s)
        client.result()
    campaign.wait(patience_s)
    return campaign.judge()
