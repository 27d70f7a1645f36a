"""A collection changes its model while it is searched, and whoever dies or comes or goes."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from hashlib import sha256
from uuid import uuid4

import numpy as np
import pytest

from tests.analyses import MODEL
from tests.chaos.model_change import ModelChange, Searchers
from tests.chaos.orders import picture
from tests.chaos.stack import wait_for
from tests.chaos.stub_models import OTHER_MODEL, vector_of

_CHUNK = 8

_VECTORS = """
SELECT subjects.name, faces.model, second_model, embedding::real[], second_embedding::real[]
FROM faces JOIN subjects ON subjects.id = subject_id WHERE faces.collection_id = %s
"""


@pytest.fixture
def closing():
    with ExitStack() as clients:
        yield clients


def test_a_collection_changes_its_model_while_it_is_searched(stack, size, finding, closing):
    faces = size(small=24, fast=80, full=1000)
    kills = size(small=1, fast=3, full=20)
    first = uuid4().int % 10**6
    people = {f"person {n}": picture(first + n) for n in range(faces)}
    gone = {name: people[name] for name in list(people)[:2]}
    there = {name: photograph for name, photograph in people.items() if name not in gone}
    late = {f"late {n}": picture(first + faces + n) for n in range(2)}
    stack.wait_for_worker()
    change = closing.enter_context(_collection(stack, people))
    ids = {face["subject"]: face["id"] for face in _faces(change)}
    naive = closing.enter_context(_copy(change))
    with Searchers(stack, change.name, there) as during:
        change.start(OTHER_MODEL)
        for number in range(1, kills + 1):
            reached = faces * number // (kills + 2)
            wait_for(lambda reached=reached: change.done() > reached, what="progress")
            stack.restart("worker")
        wait_for(lambda: stack.revive() or change.done() > reached + 1, what="progress again")
        change.call("pause")
        wait_for(lambda: change.shown()["job_state"] == "queued", what="the pause")
        paused_at = change.done()
        for name, photograph in late.items():
            change.enrol(name, photograph)
        change.http.delete(f"{change.home}/faces/{ids['person 0']}").raise_for_status()
        change.http.delete(f"{change.home}/subjects/person 1").raise_for_status()
        time.sleep(1)
        held = change.done() == paused_at
        change.call("resume")
        report = change.wait_for_state("ready")["report"]
        both = _stored(change, there | late)
    with Searchers(stack, change.name, there | late) as switching:
        for what in ("activate", "rollback", "activate"):
            seen = switching.count
            wait_for(lambda seen=seen: switching.count > seen + 6, what="searches")
            change.call(what)
        settled = change.call("finish")
        change.wait_for_state("finished")
        seen = switching.count
        wait_for(lambda: switching.count > seen + 4, what="searches")
    back = [name for name, photograph in gone.items() if change.search(photograph)[1] == name]
    alone = _stored(change, there | late, single=True)
    again = _embedded_again(stack, people)
    spent = sum(again.values()) - faces
    naive_wrong, naive_count = _in_place(naive, there)
    wrong = [*during.wrong, *switching.wrong]
    finding(
        test="T33",
        promise="A collection changes its model while it is searched: no answer is empty or mixed, "
        "no face is lost, and it goes back in one call",
        n=during.count + switching.count,
        figure=f"{len(wrong)} of {during.count + switching.count} searches wrong, by"
        f" {dict(during.models + switching.models)}; {kills} kills: {faces - len(again)} faces"
        f" lost, {spent} embedded twice; {both} and then {alone} of {len(there | late)} stored as"
        f" they should be; {len(back)} deleted came back",
        passed=not wrong
        and set(during.models) == {MODEL}
        and set(switching.models) == {MODEL, OTHER_MODEL}
        and held
        and both == alone == len(there | late)
        and not back
        and spent <= kills * _CHUNK
        and report["left_behind"]["count"] == 0
        and report["embedded"] == len(there | late)
        and settled["state"] == "settling",
        naive=f"in place, face by face: {naive_wrong} of {naive_count} searches wrong",
        naive_failed=naive_wrong > 0,
    )


def _collection(stack, people) -> ModelChange:
    change = ModelChange(stack, f"change-{uuid4().hex[:12]}")
    change.http.post("/v1/collections", json={"name": change.name}).raise_for_status()
    jobs = []
    for name, photograph in people.items():
        answer = change.http.post(
            f"{change.home}/faces", params={"subject": name}, files={"image": photograph}
        )
        jobs.append(answer.raise_for_status().json()["id"])
    for job_id in jobs:
        wait_for(lambda job_id=job_id: _state(change, job_id) == "succeeded", what="an enrolment")
    return change


def _state(change, job_id) -> str:
    answer = change.http.get(f"/v1/jobs/{job_id}", params={"wait": 5})
    return answer.raise_for_status().json()["state"]


def _faces(change):
    path, token = f"{change.home}/faces", None
    while True:
        query = {"page_size": 200} | ({"page_token": token} if token else {})
        page = change.http.get(path, params=query).raise_for_status().json()
        yield from page["items"]
        token = page.get("next_page_token")
        if not token:
            return


def _stored(change, people, *, single=False) -> int:
    """Count the people whose one face has the vectors that it should have, and no other."""
    right, rows = 0, change.rows(_VECTORS)
    times = Counter(name for name, *_ in rows)
    for name, model, second_model, vector, second in rows:
        found = {model: vector} | ({second_model: second} if second_model else {})
        wanted = [OTHER_MODEL] if single else [MODEL, OTHER_MODEL]
        right += (
            times[name] == 1
            and name in people
            and sorted(found) == sorted(wanted)
            and all(
                np.allclose(found[one], vector_of(people[name], one), atol=1e-5) for one in wanted
            )
        )
    return right if len(rows) == len(people) else -1


def _embedded_again(stack, people) -> Counter:
    """Count how often each of the people's photographs was embedded by the other model."""
    own = {sha256(photograph).hexdigest() for photograph in people.values()}
    events = stack.history.events("embedded again")
    return Counter(event["picture"] for event in events if event["picture"] in own)


_COPY = """
WITH home AS (
    INSERT INTO collections (id, tenant_id, name, model, matcher, target_fpir, quality_gate,
        keep_images, created_at)
    SELECT gen_random_uuid(), tenant_id, name || '-naive', model, matcher, target_fpir,
        quality_gate, keep_images, now() FROM collections WHERE id = %(id)s RETURNING id
), people AS (
    INSERT INTO subjects (id, collection_id, name, created_at)
    SELECT gen_random_uuid(), home.id, name, now() FROM subjects, home
    WHERE collection_id = %(id)s RETURNING id, collection_id, name
)
INSERT INTO faces (id, collection_id, subject_id, job_id, image_number, box, landmarks, confidence,
    model, embedding, created_at)
SELECT gen_random_uuid(), people.collection_id, people.id, gen_random_uuid(), 0, box, landmarks,
    confidence, model, embedding, now()
FROM people JOIN subjects s ON s.name = people.name AND s.collection_id = %(id)s
JOIN faces ON faces.subject_id = s.id
"""


def _copy(change) -> ModelChange:
    """Copy the people into a collection for the naive switch."""
    collection_id = change.http.get(change.home).json()["id"]
    with change.stack.database() as connection:
        connection.execute(_COPY, {"id": collection_id})
    return ModelChange(change.stack, f"{change.name}-naive")


def _in_place(naive, people) -> tuple[int, int]:
    """Do what one writes first: take the new model, and replace vector by vector."""
    rows = naive.rows(
        "SELECT faces.id, name FROM faces JOIN subjects ON subjects.id = subject_id"
        " WHERE faces.collection_id = %s"
    )
    with (
        Searchers(naive.stack, naive.name, people) as searchers,
        naive.stack.database() as connection,
    ):
        connection.execute(
            "UPDATE collections SET model = %s WHERE name = %s", [OTHER_MODEL, naive.name]
        )
        for face_id, name in rows[:40]:
            vector = vector_of(people[name], OTHER_MODEL) if name in people else None
            if vector is not None:
                connection.execute(
                    "UPDATE faces SET model = %s, embedding = %s::vector WHERE id = %s",
                    [OTHER_MODEL, str(vector.tolist()), face_id],
                )
            time.sleep(0.1)
    return len(searchers.wrong), searchers.count


def test_a_model_that_is_not_installed_is_named_and_harms_nothing(stack, closing):
    first = uuid4().int % 10**6
    stack.wait_for_worker()
    change = closing.enter_context(_collection(stack, {"Ann": picture(first)}))
    missing = ModelChange(stack, f"{change.name}-missing")
    closing.enter_context(missing)
    body = {"name": missing.name, "model": "facenet-vggface2-512"}
    missing.http.post("/v1/collections", json=body).raise_for_status()
    kind, found = missing.search(picture(first))
    assert (kind.rpartition("/")[2], found) == ("model-mismatch", None)
    change.start("facenet-vggface2-512")
    wait_for(lambda: change.shown()["state"] == "cancelled", what="the end of the change")
    job = change.http.get(change.shown()["links"]["job"]).json()
    assert job["state"] == "failed"
    assert "workers.fetch_weights --model facenet-vggface2-512" in job["error"]["detail"]
    assert change.search(picture(first)) == (MODEL, "Ann")
    change.start(OTHER_MODEL, activate=True)  # and another change may begin at once
    change.wait_for_state("active")
    assert change.search(picture(first)) == (OTHER_MODEL, "Ann")
