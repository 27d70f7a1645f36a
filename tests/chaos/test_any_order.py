"""T30: whatever callers do, and whatever dies meanwhile, every answer is as promised."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.domain.job import TRANSITIONS, JobState
from tests.chaos.campaign import REFUSALS
from tests.chaos.orders import Order, picture
from tests.chaos.stack import PATIENCE_S, wait_for

SEED = 20_261_130
PEOPLE = st.integers(0, 2)
#: Deaths of a child are the most frequent ones, and the cheapest.
FAULTS = st.sampled_from(["child", "child", "child", "worker", "web", "redis", "postgres"])
#: Steps of callers between two faults, at least.
CALM = 3


@dataclass
class Asked:
    """What a caller knows of a job of theirs."""

    number: int
    person: str
    picture: bytes
    job_id: str = ""
    state: JobState = JobState.QUEUED
    #: It was removed, or erased with its person: nobody may see it again.
    gone: bool = False
    #: Its face was erased with its person.
    erased: bool = False


@dataclass
class Tally:
    """What all runs did."""

    runs: int = 0
    steps: Counter = field(default_factory=Counter)


class Callers(RuleBasedStateMachine):
    """A model of some jobs, beside the service that runs them."""

    asked = Bundle("asked")

    def __init__(self, stack, rival, tally) -> None:
        super().__init__()
        self.stack, self.rival, self.tally = stack, rival, tally
        self.http = stack.client()
        self.chance = random.Random(SEED + tally.runs)
        self.jobs: list[Asked] = []
        self.calm = 0
        made = self.http.post("/v1/collections", json={"name": f"any-order-{uuid4().hex[:12]}"})
        self.collection = made.raise_for_status().json()["id"]
        tally.runs += 1

    @rule(target=asked, people=st.lists(PEOPLE, min_size=1, max_size=4), long=st.booleans())
    def submit(self, people, long):
        return multiple(*[self._submit(person, long=long) for person in people])

    def _submit(self, person, *, long):
        self._count("submit")
        number = len(self.jobs)
        image = picture(number, Order.ONE_SECOND if long else Order.WORK)
        one = Asked(number, f"person {person}", image)
        answer, _ = self._send(one)
        assert answer.status_code == HTTPStatus.ACCEPTED, answer.text
        one.job_id = answer.json()["id"]
        self.jobs.append(one)
        return one

    @rule(one=asked)
    def submit_again(self, one):
        if one.gone:  # and its key with it
            return
        self._count("submit again")
        answer, _ = self._send(one)
        assert (answer.status_code, answer.json()["id"]) == (HTTPStatus.ACCEPTED, one.job_id)

    @rule(one=asked)
    def submit_another_under_its_key(self, one):
        if one.gone:
            return
        self._count("another under its key")
        answer, _ = self._send(one, picture(one.number + 10_000))
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text

    @rule(one=asked)
    def look(self, one):
        self._count("look")
        self._look(one)

    @rule(one=asked)
    def cancel(self, one):
        self._count("cancel")
        answer, _ = self._ask("POST", f"/v1/jobs/{one.job_id}/cancel")
        if one.gone:
            assert answer.status_code == HTTPStatus.NOT_FOUND
        elif answer.status_code == HTTPStatus.CONFLICT:
            assert self._look(one).is_terminal
        else:
            assert answer.json()["state"] == "cancelled"
            self._see(one, JobState.CANCELLED)

    @rule(one=asked)
    def requeue(self, one):
        self._count("requeue")
        dead = not one.gone and self._look(one) is JobState.DEAD
        answer, repeated = self._ask("POST", f"/v1/jobs/{one.job_id}/requeue")
        if one.gone:
            assert answer.status_code == HTTPStatus.NOT_FOUND
        elif answer.status_code == HTTPStatus.ACCEPTED:
            assert one.state in {JobState.DEAD, JobState.QUEUED, JobState.RUNNING}
            one.state = JobState.QUEUED
        else:
            assert answer.status_code == HTTPStatus.CONFLICT
            assert not dead or repeated

    @rule(one=asked)
    def remove(self, one):
        self._count("remove")
        ended = not one.gone and self._look(one).is_terminal
        answer, repeated = self._ask("DELETE", f"/v1/jobs/{one.job_id}")
        if answer.status_code == HTTPStatus.CONFLICT:
            assert not ended
        elif answer.status_code == HTTPStatus.NOT_FOUND:
            assert one.gone or repeated
            one.gone = True
        else:
            assert answer.status_code == HTTPStatus.NO_CONTENT
            one.gone = True

    @rule(one=asked)
    def erase(self, one):
        self._count("erase")
        theirs = [other for other in self.jobs if other.person == one.person]
        path = f"/v1/collections/{self.collection}/subjects/{one.person}"
        answer, repeated = self._ask("DELETE", path)
        if answer.status_code == HTTPStatus.NOT_FOUND and not (repeated and self._vanished(theirs)):
            enrolled = [other for other in theirs if other.state is JobState.SUCCEEDED]
            assert all(other.erased for other in enrolled)
            return
        assert answer.status_code in {HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND}, answer.text
        for other in theirs:
            other.gone = other.erased = True

    def _vanished(self, theirs: list[Asked]) -> bool:
        """Tell whether a request to erase them whose answer was lost was carried out."""
        kept = [other for other in theirs if not other.gone]
        found = {self._ask("GET", f"/v1/jobs/{other.job_id}")[0].status_code for other in kept}
        assert len(found) <= 1, "some were erased"
        return HTTPStatus.OK not in found

    @precondition(lambda self: self.calm >= CALM)
    @rule(kind=FAULTS)
    def break_something(self, kind):
        self._count(f"{kind} killed")
        self.calm = 0
        match kind:
            case "child":
                self.rival.submit(25)  # so that it has work when its child is killed
                self.stack.kill_a_child("worker", self.chance)
                self.stack.kill_a_child("naive", self.chance)
            case "postgres":
                self.stack.restart("postgres", signal.SIGQUIT)
            case "redis":
                self.stack.end("redis")
                self.stack.empty_redis()
                self.stack.start("redis")
            case _:
                self.stack.restart(kind)

    def teardown(self):
        """Wait for every end; then what is stored is what was promised, and nothing else."""
        with closing(self.http):
            for one in self.jobs:
                self._await_end(one)
        kept = [one for one in self.jobs if not one.erased]
        stored = {one.job_id for one in kept if one.state is JobState.SUCCEEDED}
        # Removed when it had just ended, nobody knows how.
        unknown = {one.job_id for one in kept if one.gone and not one.state.is_terminal}
        with self.stack.database() as connection:
            query = "SELECT job_id::text FROM faces WHERE collection_id = %s"
            faces = [row[0] for row in connection.execute(query, [self.collection])]
            illegal = [
                row
                for row in connection.execute(
                    "SELECT old, new FROM chaos_transitions WHERE job_id = ANY(%s)",
                    [[UUID(one.job_id) for one in self.jobs]],
                )
                if row[1] not in TRANSITIONS[JobState(row[0])]
            ]
        assert len(faces) == len(set(faces)), "a face is stored twice"
        assert stored <= set(faces), "a face is lost"
        assert set(faces) <= stored | unknown, "a face is stored that no job may have left"
        assert not illegal

    def _await_end(self, one: Asked) -> None:
        wait_for(
            lambda: self.stack.revive() or one.gone or self._look(one).is_terminal,
            what=f"the end of job {one.number}",
        )
        self._look(one)

    def _count(self, step: str) -> None:
        self.tally.steps[step] += 1
        self.calm += 1

    def _look(self, one: Asked) -> JobState:
        answer, _ = self._ask("GET", f"/v1/jobs/{one.job_id}")
        if one.gone:
            assert answer.status_code == HTTPStatus.NOT_FOUND, "what is gone is shown"
            return one.state
        assert answer.status_code == HTTPStatus.OK, "an accepted job is lost"
        return self._see(one, JobState(answer.json()["state"]))

    def _see(self, one: Asked, state: JobState) -> JobState:
        """Note a job's state; what had ended before stays as it was."""
        assert state == one.state or TRANSITIONS[one.state], f"{one.state} became {state}"
        one.state = state
        return state

    def _send(self, one: Asked, image: bytes | None = None):
        return self._ask(
            "POST",
            f"/v1/collections/{self.collection}/faces",
            params={"subject": one.person},
            files={"image": image or one.picture},
            headers={"idempotency-key": f'"{self.collection} {one.number}"'},
        )

    def _ask(self, method: str, path: str, **options):
        """Ask until there is an answer; tell beside it whether it was asked more than once."""
        deadline = time.monotonic() + PATIENCE_S
        repeated = False
        while True:
            try:
                answer = self.http.request(method, path, **options)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code not in REFUSALS:
                return answer, repeated
            assert time.monotonic() < deadline, "the service does not answer"
            repeated = True
            time.sleep(0.1)


@pytest.mark.timeout(1800)
def test_every_answer_is_as_promised_in_any_order(stack, rival, size, finding):
    tally = Tally()
    stack.wait_for_worker()
    run_state_machine_as_test(
        partial(Callers, stack, rival, tally),
        settings=settings(
            max_examples=size(small=3, fast=6, full=40),
            stateful_step_count=size(small=20, fast=30, full=30),
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],  # a smaller example of a race would be another race
            suppress_health_check=list(HealthCheck),
        ),
    )
    rival.settle()
    finding(
        test="T30",
        promise="Callers may do anything in any order while anything dies: every answer is as"
        " promised, and what is stored in the end too",
        n=tally.runs,
        figure=f"{tally.steps.total()} steps ({_listed(tally.steps)}): 0 answers, states or faces"
        " other than promised",
        passed=tally.runs > 0,
        naive=str(rival),
        naive_failed=rival.lost > 0,
    )


def _listed(steps: Counter) -> str:
    return ", ".join(f"{count} {step}" for step, count in steps.most_common())
