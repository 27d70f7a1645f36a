"""A collection that changes its model in a running stack, and those who search it meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter
from uuid import UUID

import httpx

from tests.chaos.stack import Stack, wait_for


class ModelChange:
    """The calls on a collection and on its change of model, as a client makes them."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack = stack
        self.name = name
        self.http = stack.client()
        self.home = f"/v1/collections/{name}"
        self._path = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def enrol(self, subject: str, photograph: bytes) -> str:
        """Enrol a photograph and wait for it; return the face's id."""
        job = self._job(
            f"{self.home}/faces", {"subject": subject, "face_policy": "largest"}, photograph
        )
        assert job["state"] == "succeeded", job
        return job["result"]["face_ids"][0]

    def start(self, model: str, **wishes) -> None:
        answer = self.http.post(f"{self.home}/reembeddings", json={"model": model, **wishes})
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        self._path = answer.headers["location"]

    def shown(self) -> dict:
        return self.http.get(self._path).raise_for_status().json()

    def done(self) -> int:
        return self.shown()["progress"]["done"]

    def call(self, what: str) -> dict:
        """Pause, resume, activate, rollback, finish or cancel."""
        body = {"json": {}} if what == "activate" else {}
        answer = self.http.post(f"{self._path}/{what}", **body)
        assert answer.is_success, answer.text
        return answer.json()

    def wait_for_state(self, state: str, patience_s: float = 300) -> dict:
        def reached():
            self.stack.revive()
            found = self.shown()
            assert found["job_state"] not in {"failed", "dead"}, found
            return found["state"] == state

        wait_for(reached, patience_s, state)
        return self.shown()

    def search(self, photograph: bytes) -> tuple[str, str | None]:
        """Return the model that answered, and who was recognised."""
        job = self._job(f"{self.home}/recognitions", {}, photograph)
        if job["state"] != "succeeded":
            return job["error"]["type"], None
        [face, *_] = job["result"]["images"][0]["faces"]
        matched = face["decision"] == "match" and face["candidates"]
        return job["result"]["model"], face["candidates"][0]["subject"] if matched else None

    def _job(self, path, query, photograph) -> dict:
        """Submit as somebody does who waits, however often the worker dies meanwhile."""
        answer = self.http.post(path, params={**query, "wait": 10}, files={"image": photograph})
        job = answer.raise_for_status().json()
        deadline = time.monotonic() + 90
        while job["state"] in {"queued", "running"} and time.monotonic() < deadline:
            answer = self.http.get(f"/v1/jobs/{job['id']}", params={"wait": 10})
            job = answer.raise_for_status().json()
        return job

    def rows(self, query: str) -> list[tuple]:
        """Ask the database about the collection, ``%s`` in the query."""
        with self.stack.database() as connection:
            collection_id = self.http.get(self.home).json()["id"]
            return connection.execute(query, [UUID(collection_id)]).fetchall()


class Searchers:
    """Threads that search for people who are enrolled all the time, until the block is left."""

    def __init__(self, stack: Stack, name: str, people: dict[str, bytes], threads: int = 2) -> None:
        self._people = list(people.items())
        self._over = threading.Event()
        #: How often each model answered, and how often not with the person searched for.
        self.models: Counter[str] = Counter()
        self.wrong: list[tuple[str, str, str | None]] = []
        #: Seconds that each search took.
        self.took: list[float] = []
        self._threads = [
            threading.Thread(target=self._run, args=(stack, name, number), daemon=True)
            for number in range(threads)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()

    @property
    def count(self) -> int:
        return len(self.took)

    def _run(self, stack: Stack, home: str, number: int) -> None:
        with ModelChange(stack, home) as client:
            while not self._over.is_set():
                name, photograph = self._people[number % len(self._people)]
                number += 7
                begin = time.monotonic()
                model, found = client.search(photograph)
                self.took.append(time.monotonic() - begin)
                self.models[model] += 1
                if found != name:
                    self.wrong.append((model, name, found))
