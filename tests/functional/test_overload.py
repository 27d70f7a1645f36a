"""What callers are told when more waits than may."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from factories import image_bytes

from app.compat.compreface.usecases.applications import NewService, create_service
from app.domain.backlog import Bounds
from app.domain.compreface import ServiceType
from app.services.jobs.admission import Admission

MODEL = "facenet-msceleb-128"
SUBMIT = {"data": image_bytes(), "content_type": "image/jpeg"}


@pytest.fixture
def bounds():
    return Bounds(tenant=3, whole=5)


@pytest.fixture
def web_container(web_container, bounds):
    return replace(
        web_container,
        admission=Admission.within(bounds),
        settings=web_container.settings.model_copy(update={"compreface_wait_s": 0.05}),
    )


def _fill(client, images):
    for _ in range(images):
        assert client.post("/v1/detections", **SUBMIT).status_code == 202


def test_every_submit_tells_what_may_still_come(admin):
    left = []
    for _ in range(3):
        answer = admin.post("/v1/detections", **SUBMIT)
        assert answer.headers["RateLimit-Policy"] == '"bulk";q=3;qu="images"'
        left.append(answer.headers["RateLimit"])
    assert left == ['"bulk";r=2', '"bulk";r=1', '"bulk";r=0']


def test_a_tenant_with_too_much_waiting_is_told_when_to_come_again(admin):
    _fill(admin, 3)
    refusal = admin.post("/v1/detections", **SUBMIT)
    assert refusal.status_code == 429
    assert refusal.json["type"] == "https://faces.example/problems/too-much-waiting"
    assert refusal.content_type == "application/problem+json"
    wait_s = refusal.headers["Retry-After"]
    assert 1 <= int(wait_s) <= 60
    assert refusal.headers["RateLimit"] == f'"bulk";r=0;t={wait_s}'
    assert len(admin.get("/v1/jobs").json["items"]) == 3


def test_the_images_of_a_job_are_counted_and_not_the_job(admin):
    answer = admin.post(
        "/v1/detections", data={"image": [(BytesIO(image_bytes()), "a.jpg") for _ in range(3)]}
    )
    assert answer.status_code == 202, answer.text
    assert admin.post("/v1/detections", **SUBMIT).status_code == 429


@pytest.mark.parametrize("bounds", [Bounds(tenant=5, whole=2)])
def test_a_full_service_is_unavailable_for_a_while(admin):
    _fill(admin, 2)
    refusal = admin.post("/v1/detections", **SUBMIT)
    assert (refusal.status_code, refusal.json["title"]) == (503, "Queue full")
    assert refusal.json["type"].endswith("/problems/queue-full")
    assert int(refusal.headers["Retry-After"]) >= 1


def test_a_repetition_of_an_accepted_job_is_answered_also_when_the_queue_is_full(admin):
    repeated = {**SUBMIT, "headers": {"Idempotency-Key": '"once"'}}
    first = admin.post("/v1/detections", **repeated)
    _fill(admin, 2)
    again = admin.post("/v1/detections", **repeated)
    assert (again.status_code, again.json["id"]) == (202, first.json["id"])
    assert again.headers["Idempotent-Replayed"] == "true"
    other = admin.post("/v1/embeddings", **repeated)
    assert other.status_code == 429, "the key belongs to another kind of job"
    changed = {**repeated, "data": image_bytes(size=(30, 40))}
    assert admin.post("/v1/detections", **changed).status_code == 422


def test_who_waits_is_not_turned_away_by_a_backlog(admin):
    _fill(admin, 3)
    answer = admin.post("/v1/detections?wait=0.1", **SUBMIT)
    assert answer.status_code == 202, answer.text
    assert answer.headers["RateLimit"] == '"interactive";r=2'


def test_compreface_has_an_error_of_its_own_form(container, app, admin):
    wanted = NewService(application="door", name="one", type=ServiceType.DETECTION, model=MODEL)
    _, key = create_service(wanted, uow=container.uow, clock=container.clock)

    def detect():
        return app.test_client().post(
            "/api/v1/detection/detect",
            data={"file": (BytesIO(image_bytes()), "face.jpg")},
            headers={"x-api-key": str(key)},
        )

    for _ in range(3):
        assert "takes longer" in detect().json["message"]
    refusal = detect()
    assert (refusal.status_code, refusal.json["code"]) == (503, 0)
    assert "Too many images are waiting" in refusal.json["message"]
    assert int(refusal.headers["Retry-After"]) >= 1
