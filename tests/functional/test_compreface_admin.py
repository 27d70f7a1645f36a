"""CompreFace's administration, as a script drives it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from factories import image_bytes

from app.compat.compreface.usecases.applications import find_service
from app.compat.compreface.usecases.examples import list_examples, subject_names
from app.domain.compreface import ServiceType


@pytest.fixture
def script(app, admin):
    """A client that has logged in with the cookie alone."""
    client = app.test_client()
    answer = client.post(
        "/admin/oauth/token",
        data={"grant_type": "password", "username": "a@b.c", "password": admin.credential},
        headers={"Authorization": "Basic Q29tbW9uQ2xpZW50SWQ6cGFzc3dvcmQ="},
    )
    assert answer.status_code == 200
    return client


@pytest.fixture
def home(script):
    """An application."""
    return f"/admin/app/{script.post('/admin/app', json={'name': 'home'}).json['id']}"


@pytest.fixture
def door(script, home):
    """A recognition service, as it was answered when it was made."""
    return script.post(f"{home}/model", json={"name": "door", "type": "RECOGNITION"}).json


def told(answer):
    return answer.status_code, answer.json["code"], answer.json["message"]


def enrol(client, key, work_off, container, subject="Ann"):
    """Enrol one face, though nobody works the queue off while the caller waits."""
    put_job = container.queue.put_job

    def work_at_once(job_id, job_type, **how):
        put_job(job_id, job_type, **how)
        return work_off(job_id)

    container.queue.put_job = work_at_once
    answer = client.post(
        f"/api/v1/recognition/faces?subject={subject}",
        headers={"x-api-key": key},
        data={"file": (BytesIO(image_bytes()), "a.jpg")},
    )
    container.queue.put_job = put_job
    assert answer.status_code == 201, answer.json
    return answer.json["image_id"]


def test_nobody_gets_in_without_a_key_that_administers_the_service(app, make_client):
    client = app.test_client()
    assert told(client.get("/admin/apps")) == (401, 1, "Access denied")
    for password in ("", "guess", "vlt_abcdefabcdef_guess"):
        answer = client.post("/admin/oauth/token", data={"password": password})
        assert told(answer) == (401, 1, "Access denied")
        assert "Set-Cookie" not in answer.headers
    writer = make_client(scope="write")
    assert told(writer.get("/admin/apps", headers={"x-api-key": writer.credential})) == (
        403,
        1,
        "Access denied",
    )


def test_a_key_in_the_header_needs_no_login(app, admin):
    client = app.test_client()
    assert client.get("/admin/apps", headers={"x-api-key": admin.credential}).json == []


def test_the_cookie_is_kept_from_scripts_of_pages_and_from_other_sites(app, admin):
    answer = app.test_client().post("/admin/oauth/token", data={"password": admin.credential})
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "Path=/admin", "SameSite=Strict", "Max-Age=2400"} <= set(cookie.split("; "))


def test_whoever_logs_out_is_out(script):
    assert script.get("/admin/apps").status_code == 200
    script.delete("/admin/oauth/token")
    assert script.get("/admin/apps").status_code == 401


def test_an_application_is_made_renamed_and_deleted(script, home):
    [listed] = script.get("/admin/apps").json
    assert listed == script.get(home).json
    assert listed["name"] == "home"
    assert set(listed["owner"]) == {"userId", "firstName", "lastName"}
    assert script.put(home, json={"name": "house"}).json["name"] == "house"
    assert script.delete(home).status_code == 200
    assert script.get("/admin/apps").json == []


def test_a_service_is_made_shown_and_renamed(script, home, door):
    UUID(door["apiKey"])
    assert door["type"] == "RECOGNITION"
    [listed] = script.get(f"{home}/models").json
    shown = script.get(f"{home}/model/{door['id']}").json
    assert shown == {**listed, "subjectCount": 0, "imageCount": 0}
    assert "apiKey" not in shown
    renamed = script.put(f"{home}/model/{door['id']}", json={"name": "gate"})
    assert renamed.json["name"] == "gate"


def test_a_new_key_opens_the_service_and_the_old_one_nothing(script, home, door):
    made = script.put(f"{home}/model/{door['id']}/apikey").json["apiKey"]
    path = "/api/v1/recognition/subjects"
    assert script.get(path, headers={"x-api-key": made}).status_code == 200
    assert script.get(path, headers={"x-api-key": door["apiKey"]}).status_code == 404


def test_a_clone_has_the_same_people_and_is_apart_from_its_original(
    script, home, door, work_off, container
):
    first, second = [enrol(script, door["apiKey"], work_off, container) for _ in range(2)]
    made = script.post(f"{home}/model/{door['id']}", json={"name": "copy"})
    assert made.status_code == 201
    uow = container.uow
    original, copy = (
        find_service(UUID(one["apiKey"]), ServiceType.RECOGNITION, uow=uow)
        for one in (door, made.json)
    )
    assert subject_names(copy, uow=uow) == ["Ann"]
    faces = list_examples(copy, subject=None, offset=0, limit=9, uow=uow).faces
    assert len(faces) == 2
    assert not {first, second} & {str(face.id) for face in faces}
    with uow() as work:
        model = container.settings.model
        [(_, prototype)] = work.subjects.prototypes(copy.collection_id, model)
        [(_, original_prototype)] = work.subjects.prototypes(original.collection_id, model)
        assert list(prototype) == list(original_prototype)
    assert script.delete(f"{home}/model/{door['id']}").status_code == 200
    with uow() as work:
        assert [work.faces.image(face.id) for face in faces] == [image_bytes()] * 2


def test_calls_are_counted_by_day_whatever_becomes_of_them(script, home, door, container):
    path = f"{home}/model/{door['id']}/statistics"
    assert script.get(path).json == []
    key = {"x-api-key": door["apiKey"]}
    script.post("/api/v1/recognition/recognize", headers=key)
    script.post("/api/v1/recognition/recognize/?limit=-1", headers=key)
    script.get("/api/v1/recognition/subjects", headers=key)
    today = container.clock.now().date()
    container.clock.advance(timedelta(days=1))
    script.post("/api/v1/recognition/recognize", headers=key)
    assert script.get(path).json == [
        {"requestCount": 1, "createdDate": (today + timedelta(days=1)).isoformat()},
        {"requestCount": 2, "createdDate": today.isoformat()},
    ]


def test_names_are_checked(script, home, door):
    assert told(script.post("/admin/app", json={"name": "home"})) == (
        400,
        17,
        "Name home is not unique",
    )
    assert told(script.put(home, json={"name": "home"}))[1] == 17
    service = f"{home}/model/{door['id']}"
    for call in (script.put, script.post):
        assert told(call(service, json={"name": "door"}))[1] == 17
        assert told(call(service, json={"name": "a/b"}))[1] == 36
        assert told(call(service, json={}))[1] == 26
        assert told(call(service, json={"name": "a" * 51}))[1] == 26
    assert told(script.post(f"{home}/model", json={"name": "x", "type": "OTHER"}))[1] == 26


def test_what_is_not_there_is_not_found(script, home, door):
    missing = uuid4()
    assert told(script.get(f"/admin/app/{missing}")) == (404, 2, f"App {missing} not found")
    assert told(script.get("/admin/app/none")) == (404, 2, "App none not found")
    assert told(script.get(f"{home}/model/{missing}"))[:2] == (404, 3)
    other = script.post("/admin/app", json={"name": "other"}).json["id"]
    assert told(script.get(f"/admin/app/{other}/model/{door['id']}"))[:2] == (404, 3)
    assert told(script.get("/admin/nothing"))[:2] == (404, 0)


@pytest.mark.parametrize("path", ["user/me", "user/roles", "app/x/roles", "app/x/apikey"])
def test_users_and_roles_are_refused_in_the_documented_form(script, path):
    assert told(script.get(f"/admin/{path}")) == (400, 9, "Action not allowed for current user")


def test_a_service_deleted_while_a_caller_waits_is_not_found(script, home, door, container):
    def delete_at_once(job_id, job_type, **how):
        # In a thread of its own, as Flask would take it for a part of the request that waits.
        with ThreadPoolExecutor(1) as other:
            other.submit(script.delete, f"{home}/model/{door['id']}").result()
        return True

    container.queue.put_job = delete_at_once
    assert told(recognise(script, door["apiKey"]))[:2] == (404, 10)


def test_a_result_that_went_with_deleted_people_is_to_be_asked_for_again(script, door, container):
    def lose(job_id, job_type, **how):
        with container.uow() as work:
            work.jobs.delete(job_id)
            work.commit()
        return True

    container.queue.put_job = lose
    answer = recognise(script, door["apiKey"])
    assert told(answer)[:2] == (503, 41)
    assert int(answer.headers["Retry-After"]) > 0


def recognise(client, key):
    return client.post(
        "/api/v1/recognition/recognize",
        headers={"x-api-key": key},
        data={"file": (BytesIO(image_bytes()), "a.jpg")},
    )
