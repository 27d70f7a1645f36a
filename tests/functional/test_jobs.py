from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from factories import image_bytes
from sqlalchemy import text

from app.domain.access import Scope
from app.domain.errors import AttemptsExhaustedError, NoFaceError
from app.domain.job import JobType
from app.domain.problem import Problem

NOBODY = "0191e0a8-0000-7000-8000-000000000000"
LEASE = timedelta(minutes=1)
PHOTO = {"data": image_bytes(), "content_type": "image/jpeg"}


def kill(container, api_engine, job_id):
    """Let a job die of lost processes."""
    with container.uow() as work:
        claim, _ = work.jobs.claim_named(UUID(job_id), worker="t", lease=timedelta(minutes=1))
        work.jobs.bury(
            claim,
            error=Problem.of(AttemptsExhaustedError()),
            expires_at=container.clock.now() + timedelta(hours=1),
        )
        work.commit()


def test_a_submit_is_stored_put_and_answered_with_its_job(admin, container):
    answer = admin.post("/v1/detections", **PHOTO)
    assert answer.status_code == 202
    job = answer.json
    assert list(job) == [
        "id",
        "type",
        "state",
        "created_at",
        "started_at",
        "finished_at",
        "expires_at",
        "progress",
        "attempt",
        "result",
        "error",
        "links",
    ]
    assert (job["type"], job["state"], job["attempt"]) == ("detection", "queued", 0)
    assert job["links"] == {"self": f"/v1/jobs/{job['id']}", "collection": None}
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Vary"] == "Prefer"
    assert container.queue.jobs == [(UUID(job["id"]), JobType.DETECTION)]
    shown = admin.get(answer.headers["Location"])
    assert shown.status_code == 200
    assert shown.json == job
    assert shown.headers["Retry-After"] == "1"


def test_a_submit_is_taken_while_the_broker_is_away(admin, container):
    container.queue.down = True
    answer = admin.post("/v1/detections", **PHOTO)
    assert answer.status_code == 202
    assert admin.get(answer.headers["Location"]).json["state"] == "queued"


@pytest.mark.parametrize("path", ["/v1/detections", "/v1/embeddings"])
def test_each_kind_of_job_has_its_address(admin, path):
    job = admin.post(path, **PHOTO).json
    assert path == f"/v1/{job['type']}s"


def test_a_wait_ends_with_the_job(admin, staff, work_off):
    path = "/v1/collections/staff/faces?subject=Ann"
    job = admin.post(path, **PHOTO).json
    worker = threading.Timer(0.2, work_off, [UUID(job["id"])])
    worker.start()
    answer = admin.get(f"{job['links']['self']}?wait=50")
    worker.join()
    assert answer.json["state"] == "succeeded"
    assert answer.json["progress"] == {"done": 1, "total": 1}
    assert answer.json["result"]["subject"] == "Ann"
    assert "Retry-After" not in answer.headers


def test_a_preference_to_wait_brings_the_finished_job(admin, container, staff, work_off):
    put_job = container.queue.put_job

    def work_at_once(job_id, job_type, **how):
        put_job(job_id, job_type, **how)
        return work_off(job_id)

    container.queue.put_job = work_at_once
    answer = admin.post(
        "/v1/collections/staff/faces", headers={"Prefer": "respond-async, wait=2"}, **PHOTO
    )
    assert answer.status_code == 200
    assert answer.json["state"] == "succeeded"
    assert answer.headers["Preference-Applied"] == "wait=2"
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=0", "wait=0"),
        ("respond-async", "respond-async"),
        ("respond-async;wait=0", "wait=0, respond-async"),
        ("wait=x", None),
        ("wait=-1", None),
        ("colour=red", None),
        ("", None),
    ],
)
def test_preferences_are_applied_or_ignored(admin, prefer, applied):
    answer = admin.post("/v1/detections", headers={"Prefer": prefer}, **PHOTO)
    assert answer.status_code == 202
    assert answer.headers.get("Preference-Applied") == applied


@pytest.mark.parametrize("wait", ["-1", "x", "nan", "inf", "1&wait=2", "%00"])
def test_a_wrong_wait_is_refused(admin, wait):
    job = admin.post("/v1/detections", **PHOTO).json
    for answer in (
        admin.get(f"/v1/jobs/{job['id']}?wait={wait}"),
        admin.post(f"/v1/detections?wait={wait}", **PHOTO),
    ):
        assert answer.status_code == 400
        assert answer.json["errors"][0]["pointer"] == "#/wait"


def test_a_failed_job_carries_its_problem(admin, staff, work_off):
    job = admin.post("/v1/collections/staff/faces", **PHOTO).json
    work_off(UUID(job["id"]), error=NoFaceError())
    shown = admin.get(job["links"]["self"])
    assert shown.status_code == 200
    assert shown.json["state"] == "failed"
    assert shown.json["error"]["type"] == "https://faces.example/problems/no-face"
    assert shown.json["error"]["status"] == 422


@pytest.mark.parametrize("key", ['"8e03978e-40d5"', "8e03978e-40d5", '"a b\\"c"'])
def test_a_repeated_submit_returns_the_first_job(admin, container, key):
    headers = {"Idempotency-Key": key}
    first = admin.post("/v1/detections", headers=headers, **PHOTO)
    second = admin.post("/v1/detections", headers=headers, **PHOTO)
    assert first.status_code == second.status_code == 202
    assert first.json == second.json
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(container.queue.jobs) == 1
    assert len(admin.get("/v1/jobs").json["items"]) == 1


def test_a_key_for_another_request_is_refused(admin):
    headers = {"Idempotency-Key": '"k"'}
    admin.post("/v1/detections", headers=headers, **PHOTO)
    other = {"data": image_bytes(size=(60, 60)), "content_type": "image/jpeg"}
    answer = admin.post("/v1/detections", headers=headers, **other)
    assert answer.status_code == 422
    assert answer.json["type"].endswith("/idempotency-key-reused")


def test_the_keys_of_two_callers_have_nothing_in_common(admin, make_client):
    headers = {"Idempotency-Key": '"k"'}
    mine = admin.post("/v1/detections", headers=headers, **PHOTO).json
    theirs = make_client(Scope.READ).post("/v1/detections", headers=headers, **PHOTO).json
    assert mine["id"] != theirs["id"]


@pytest.mark.parametrize("key", ["", '""', '"a', "a b", '"a"b', "x" * 256, '"' + "x" * 256 + '"'])
def test_a_malformed_idempotency_key_is_refused(admin, key):
    answer = admin.post("/v1/detections", headers={"Idempotency-Key": key}, **PHOTO)
    assert answer.status_code == 400


def test_jobs_are_listed_newest_first_by_state_and_type(admin, staff, work_off):
    ids = [admin.post("/v1/detections", **PHOTO).json["id"] for _ in range(3)]
    enrolment = admin.post("/v1/collections/staff/faces", **PHOTO).json["id"]
    work_off(UUID(enrolment))

    def listed(query):
        path, found = f"/v1/jobs?{query}&page_size=2", []
        while path:
            page = admin.get(path)
            found += [job["id"] for job in page.json["items"]]
            link = page.headers.get("Link")
            path = link.partition(">")[0].removeprefix("<") if link else None
        return found

    assert listed("") == [enrolment, *reversed(ids)]
    assert listed("state=queued") == ids[::-1]
    assert listed("state=succeeded") == [enrolment]
    assert listed("type=enrolment&state=queued") == []


def test_a_cursor_is_bound_to_its_filters(admin):
    for _ in range(2):
        admin.post("/v1/detections", **PHOTO)
    token = admin.get("/v1/jobs?page_size=1&state=queued").json["next_page_token"]
    right = admin.get(f"/v1/jobs?page_size=5&state=queued&page_token={token}")
    wrong = admin.get(f"/v1/jobs?page_size=1&state=failed&page_token={token}")
    assert len(right.json["items"]) == 1
    assert wrong.status_code == 400
    assert "filters" in wrong.json["detail"]


@pytest.mark.parametrize("query", ["state=lost", "type=guess", "state=", "state=queued&state=dead"])
def test_a_wrong_filter_is_refused(admin, query):
    assert admin.get(f"/v1/jobs?{query}").status_code == 400


def test_a_queued_job_is_cancelled_once_and_for_all(admin, staff, work_off):
    job = admin.post("/v1/detections", **PHOTO).json
    path = f"/v1/jobs/{job['id']}/cancel"
    for _ in range(2):
        answer = admin.post(path)
        assert answer.status_code == 200
        assert answer.json["state"] == "cancelled"
        assert answer.json["finished_at"]
    done = admin.post("/v1/collections/staff/faces", **PHOTO).json
    work_off(UUID(done["id"]))
    assert admin.post(f"/v1/jobs/{done['id']}/cancel").status_code == 409


def test_only_a_dead_job_is_requeued(admin, container, api_engine):
    job = admin.post("/v1/detections", **PHOTO).json
    path = f"/v1/jobs/{job['id']}/requeue"
    assert admin.post(path).status_code == 409
    kill(container, api_engine, job["id"])
    dead = admin.get(job["links"]["self"]).json
    assert dead["state"] == "dead"
    assert dead["error"]["type"] == "https://faces.example/problems/attempts-exhausted"
    answer = admin.post(path)
    assert answer.status_code == 202
    assert answer.json["state"] == "queued"
    assert container.queue.jobs.count((UUID(job["id"]), JobType.DETECTION)) == 2


def test_an_ended_job_can_be_removed_with_its_images(admin, api_engine):
    job = admin.post("/v1/detections", **PHOTO).json
    path = job["links"]["self"]
    assert admin.delete(path).status_code == 409
    admin.post(f"{path}/cancel")
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404
    with api_engine.connect() as connection:
        assert connection.scalar(text("select count(*) from images")) == 0


def test_a_job_belongs_to_its_key_and_to_global_admins(admin, make_client, staff):
    owner, stranger = make_client(Scope.READ), make_client(Scope.WRITE)
    bound = make_client(Scope.ADMIN, collection_id=staff["id"])
    job = owner.post("/v1/detections", **PHOTO).json
    path = job["links"]["self"]
    assert owner.get(path).status_code == admin.get(path).status_code == 200
    for client in (stranger, bound):
        foreign, missing = client.get(path), client.get(f"/v1/jobs/{NOBODY}")
        assert foreign.status_code == missing.status_code == 404
        assert foreign.json["detail"] == missing.json["detail"]
        assert client.get(f"{path}?wait=1").status_code == 404
        assert client.post(f"{path}/cancel").status_code == 404
        assert client.post(f"{path}/requeue").status_code == 404
        assert client.delete(path).status_code == 404
        assert client.get("/v1/jobs").json["items"] == []
    assert [one["id"] for one in owner.get("/v1/jobs").json["items"]] == [job["id"]]
    assert [one["id"] for one in admin.get("/v1/jobs").json["items"]] == [job["id"]]


class TestRowsOfALaterVersion:
    """What this version does not know hides nothing else."""

    @pytest.fixture
    def change(self, owner_engine):
        """Return a function that changes a row of jobs as no door would."""

        def run(job, assignments):
            with owner_engine.begin() as connection:
                changed = connection.execute(
                    text(f"UPDATE jobs SET {assignments} WHERE id = :id"),
                    {"id": job["id"]},
                )
            assert changed.rowcount == 1

        return run

    @pytest.fixture
    def other(self, admin):
        return admin.post("/v1/detections", **PHOTO).json

    def test_a_result_with_unknown_words_is_shown_as_it_stands(
        self, admin, staff, work_off, change, other
    ):
        job = admin.post(f"/v1/collections/{staff['id']}/faces", **PHOTO).json
        work_off(UUID(job["id"]))
        change(job, "result = jsonb_set(result::jsonb, '{images,0,warnings}', '[\"newer\"]')")
        shown = admin.get(f"/v1/jobs/{job['id']}").json
        assert shown["result"]["images"][0]["warnings"] == ["newer"]
        listed = {one["id"]: one for one in admin.get("/v1/jobs").json["items"]}
        assert listed == {job["id"]: shown, other["id"]: other}
        assert admin.delete(f"/v1/jobs/{job['id']}").status_code == 204

    def test_a_job_that_asks_with_unknown_words_is_shown_and_cancelled_and_never_run(
        self, admin, container, change, other
    ):
        job = admin.post("/v1/embeddings", **PHOTO).json
        change(job, """parameters = '{"face_policy": "newer"}'""")
        assert len(admin.get("/v1/jobs").json["items"]) == 2
        with container.uow() as work:
            assert work.jobs.claim_named(UUID(job["id"]), worker="t", lease=LEASE) is None
        assert admin.post(f"/v1/jobs/{job['id']}/cancel").json["state"] == "cancelled"

    @pytest.mark.parametrize("assignments", ["type = 'newer'", "parameters = '{}', result = '{}'"])
    def test_a_job_that_cannot_be_read_hides_no_other(self, admin, change, other, assignments):
        job = admin.post("/v1/detections", **PHOTO).json
        change(job, assignments)
        assert admin.get("/v1/jobs").json["items"] == [other]
        assert admin.get("/v1/jobs?page_size=1").json == {"items": [other]}
        assert admin.get("/v1/jobs?type=detection").json["items"] == [other]
        assert admin.get(f"/v1/jobs/{other['id']}").json == other
        assert admin.get("/metrics").status_code == 200

    def test_a_listing_goes_on_behind_jobs_that_cannot_be_read(self, admin, change, other):
        first = admin.post("/v1/detections", **PHOTO).json
        for _ in range(3):
            change(admin.post("/v1/detections", **PHOTO).json, "result = '{}'")
        last = admin.post("/v1/detections", **PHOTO).json
        found, at = [], "/v1/jobs?page_size=1"
        while at:
            page = admin.get(at)
            found += page.json["items"]
            at = page.headers.get("Link", "")[1:].partition(">")[0]
        assert found == [last, first, other]

    def test_a_job_of_an_unknown_type_is_not_found(self, admin, change, other):
        change(other, "type = 'newer'")
        for answer in (
            admin.get(f"/v1/jobs/{other['id']}"),
            admin.post(f"/v1/jobs/{other['id']}/cancel"),
            admin.delete(f"/v1/jobs/{other['id']}"),
        ):
            assert answer.status_code == 404
