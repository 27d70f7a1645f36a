"""CompreFace's API where no worker takes the jobs."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from uuid import UUID, uuid4

import pictures
import pytest
from factories import caller, image_bytes

from app.compat.compreface.errors import of_problem
from app.compat.compreface.usecases.applications import (
    NewService,
    create_service,
    delete_application,
    find_service,
    list_services,
)
from app.domain.compreface import ServiceType
from app.domain.errors import ConflictError, ImageTooLargeError, NotFoundError
from app.domain.problem import Problem
from app.factory import create_app

MODEL = "facenet-msceleb-128"


@pytest.fixture
def container(container):
    settings = container.settings.model_copy(update={"compreface_wait_s": 0.05})
    return replace(container, settings=settings)


def make(container, kind=ServiceType.RECOGNITION, *, name="one", key=None):
    wanted = NewService(application="door", name=name, type=kind, model=MODEL, key=key)
    return create_service(wanted, uow=container.uow, clock=container.clock)


def post(container, key, path="recognition/recognize", data=None, name="a.jpg"):
    data = image_bytes() if data is None else data
    client = create_app(container).test_client()
    return client.post(
        f"/api/v1/{path}",
        headers={"x-api-key": str(key)},
        data={"file": (BytesIO(data), name)},
    )


def post_json(container, key, text):
    client = create_app(container).test_client()
    return client.post(
        "/api/v1/recognition/recognize", headers={"x-api-key": str(key)}, json={"file": text}
    )


def images_that_wait(container):
    [(job_id, *_)] = container.queue.jobs
    with container.uow() as work:
        _, images = work.jobs.claim_named(job_id, worker="t", lease=timedelta(minutes=1))
    return images


def test_a_call_that_takes_too_long_is_told_to_come_again_and_its_job_goes_on(container, admin):
    _, key = make(container)
    answer = post(container, key)
    assert answer.status_code == 503
    assert answer.json["code"] == 41
    assert int(answer.headers["Retry-After"]) > 0
    job = admin.get(answer.headers["Location"]).json
    assert job["state"] == "queued"
    assert [UUID(job["id"])] == [job_id for job_id, *_ in container.queue.jobs]


def test_the_job_of_a_service_is_no_other_keys_business(container, make_client):
    _, key = make(container)
    location = post(container, key).headers["Location"]
    assert make_client(scope="write").get(location).status_code == 404


def test_a_key_of_a_service_is_no_key_of_the_api(container, anyone):
    service, key = make(container)
    for text in (str(key), f"vlt_{service.id.hex}_{key}", f"vlt_{key.hex}_{key}"):
        answer = anyone.get("/v1/collections", headers={"x-api-key": text})
        assert answer.status_code == 401


def test_a_key_is_found_by_its_digest_alone(container):
    service, key = make(container)
    assert str(key).encode() not in service.key_hash
    found = find_service(key, ServiceType.RECOGNITION, uow=container.uow)
    assert found == service
    for wrong, kind in ((key, ServiceType.VERIFY), (uuid4(), ServiceType.RECOGNITION)):
        with pytest.raises(NotFoundError):
            find_service(wrong, kind, uow=container.uow)


def test_a_key_that_clients_hold_can_be_kept_but_not_given_twice(container):
    held = uuid4()
    assert make(container, key=held)[1] == held
    with pytest.raises(ConflictError):
        make(container, name="two", key=held)
    with pytest.raises(ConflictError):
        make(container, name="one")


def test_an_application_takes_its_services_and_their_jobs_with_it(container, admin):
    recognition, key = make(container)
    make(container, ServiceType.DETECTION, name="two")
    location = post(container, key).headers["Location"]
    [(application, services)] = list_services(uow=container.uow)
    assert [one.name for one in services] == ["one", "two"]
    delete_application(
        application.id, receipts=container.receipts, caller=caller(), uow=container.uow
    )
    assert list_services(uow=container.uow) == []
    assert admin.get(location).status_code == 404
    assert admin.get(f"/v1/collections/{recognition.collection_id}").status_code == 404


def test_a_service_made_with_another_model_is_told_of(container):
    _, key = make(container)
    client = create_app(container).test_client()
    other = container.settings.model_copy(update={"model": "facenet-casia-512"})
    changed = create_app(replace(container, settings=other)).test_client()
    path = "/api/v1/consistence/status"
    assert client.get(path).json["dbIsInconsistent"] is False
    assert changed.get(path).json["dbIsInconsistent"] is True
    headers = {"x-api-key": str(key)}
    assert client.post("/api/v1/migrate", headers=headers).text == "Migration started"
    assert changed.post("/api/v1/migrate", headers=headers).status_code == 400


@pytest.mark.parametrize("door", ["part", "json"])
@pytest.mark.parametrize("kind", pictures.formats())
def test_an_image_of_any_format_goes_to_the_workers_as_it_came(container, door, kind):
    _, key = make(container)
    data = pictures.formats()[kind]
    name = "photo.heic" if kind == "HEIF" else f"photo.{kind.lower()}"
    if door == "part":
        answer = post(container, key, data=data, name=name)
    else:
        answer = post_json(container, key, b64encode(data).decode())

    assert answer.json["code"] == 41  # it waits for a worker
    assert images_that_wait(container) == [data]


@pytest.mark.parametrize(
    "write",
    [
        lambda plain: plain.rstrip("="),
        lambda plain: plain.replace("+", "-").replace("/", "_"),
        lambda plain: plain.replace("A", "A\N{NO-BREAK SPACE}"),
        lambda plain: plain.replace("A", "A\N{ZERO WIDTH SPACE}\r\n"),
    ],
)
def test_base64_is_read_as_any_encoder_writes_it(container, write, caplog):
    _, key = make(container)
    data = image_bytes()

    answer = post_json(container, key, write(b64encode(data).decode()))

    assert answer.json["code"] == 41
    assert images_that_wait(container) == [data]
    assert caplog.records == []


@pytest.mark.parametrize(
    ("text", "code"), [("***", 21), ("data:image/png;base64,AAAA", 21), ("\u00e9", 21), ("A=A", 0)]
)
def test_what_is_no_base64_is_told_in_its_words(container, text, code, caplog):
    _, key = make(container)
    answer = post_json(container, key, text)
    assert (answer.status_code, answer.json["code"]) == (400, code)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (image_bytes() + b"\0" * 100_000, "at most 100,000"),
        (image_bytes("PNG", size=(1_500, 1_500)), "at most 2,000,000"),
        (image_bytes()[:2] + b"\xff\xfe\0\2" * 20_000 + image_bytes()[2:], "segments"),
    ],
)
def test_an_image_that_is_too_large_is_told_what_is_too_large(container, data, reason):
    _, key = make(container)
    answer = post(container, key, data=data)
    assert (answer.status_code, answer.json["code"]) == (400, 26)
    assert reason in answer.json["message"]
    assert container.queue.jobs == []


def test_an_image_that_is_found_too_large_by_a_worker_is_told_so_too():
    error = of_problem(Problem.of(ImageTooLargeError("Decoding it takes too much time.")))
    assert (error.status, error.code) == (400, 26)
    assert error.message == "Decoding it takes too much time."
