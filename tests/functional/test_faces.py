from __future__ import annotations

from uuid import UUID

import pictures
import pytest
from factories import image_bytes

from app.domain.access import Scope
from app.domain.job_parameters import EnrolmentParameters
from app.domain.selection import FacePolicy
from app.imaging.formats import MEDIA_TYPES

NOBODY = "0191e0a8-0000-7000-8000-000000000000"
FACES = "/v1/collections/staff/faces"
PHOTO = {"data": image_bytes(), "content_type": "image/jpeg"}


@pytest.fixture
def enrol(admin, staff, work_off):
    """Return a function that enrols a face and returns its id."""

    def enrol(subject=None, data=PHOTO["data"]):
        query = {"subject": subject} if subject else {}
        job = admin.post(FACES, query_string=query, data=data, content_type="image/jpeg").json
        work_off(UUID(job["id"]))
        [face_id] = admin.get(job["links"]["self"]).json["result"]["face_ids"]
        return face_id

    return enrol


def test_an_enrolment_remembers_its_subject_and_policy(admin, container, staff):
    answer = admin.post(f"{FACES}?subject= Zoe%CC%88 &face_policy=largest", **PHOTO)
    assert answer.status_code == 202
    assert answer.json["type"] == "enrolment"
    assert answer.json["links"]["collection"] == f"/v1/collections/{staff['id']}"
    with container.uow() as work:
        parameters = work.jobs.get(UUID(answer.json["id"])).parameters
    assert parameters == EnrolmentParameters(subject="Zo\u00eb", face_policy=FacePolicy.LARGEST)


def test_an_enrolment_without_subject_takes_the_prominent_face(admin, container, staff):
    job = admin.post(FACES, **PHOTO).json
    with container.uow() as work:
        parameters = work.jobs.get(UUID(job["id"])).parameters
    assert parameters == EnrolmentParameters(face_policy=FacePolicy.PROMINENT)


@pytest.mark.parametrize(
    "query",
    [
        {"subject": ""},
        {"subject": "a\x00b"},
        {"subject": "x" * 201},
        {"subject": "a\u2028b"},
        {"face_policy": "best"},
        {"detection_threshold": "-1"},
        {"limit": "5"},
        {"detection_threshold": "1" + "0" * 5000},
    ],
)
def test_a_wrong_parameter_is_refused(admin, staff, query):
    answer = admin.post(FACES, query_string=query, **PHOTO)
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == f"#/{next(iter(query))}"


def test_a_collection_of_another_model_is_the_workers_business(admin):
    admin.post("/v1/collections", json={"name": "old", "model": "facenet-casia-512"})
    for path in ("faces", "recognitions", "trainings"):
        assert admin.post(f"/v1/collections/old/{path}", **PHOTO).status_code == 202


def test_an_enrolled_face_is_listed_shown_and_pictured(admin, staff, enrol):
    face_id = enrol("Ann", image_bytes("PNG"))
    face = admin.get(f"{FACES}/{face_id}").json
    assert face["subject"] == "Ann"
    assert face["box"] == {"x_min": 1, "y_min": 2, "x_max": 31, "y_max": 42}
    assert face["landmarks"]["nose"] == [15, 22]
    assert "embedding" not in face
    assert admin.get(FACES).json["items"] == [face]
    image = admin.get(face["links"]["image"])
    assert image.data == image_bytes("PNG")
    assert image.headers["Content-Type"] == "image/png"
    assert admin.get("/v1/collections/staff/subjects/Ann").json["face_count"] == 1


@pytest.mark.parametrize("kind", MEDIA_TYPES)
def test_a_photograph_comes_back_as_it_was_sent_with_the_type_of_its_content(admin, enrol, kind):
    data = pictures.formats()[kind]

    image = admin.get(f"{FACES}/{enrol('Ann', data)}/image")

    assert image.data == data
    assert image.headers["Content-Type"] == MEDIA_TYPES[kind]


def test_a_face_keeps_no_photograph_where_the_collection_keeps_none(admin, enrol, staff):
    admin.patch("/v1/collections/staff", json={"keep_images": False})
    face_id = enrol("Ann")
    assert admin.get(f"{FACES}/{face_id}").json["links"]["image"] is None
    assert admin.get(f"{FACES}/{face_id}/image").status_code == 404


def test_faces_are_listed_by_subject_and_by_cursor(admin, enrol, staff):
    anns = [enrol("Ann") for _ in range(3)]
    enrol("Bob")
    enrol()
    found, path = [], f"{FACES}?subject=Ann&page_size=2"
    while path:
        page = admin.get(path)
        found += [face["id"] for face in page.json["items"]]
        link = page.headers.get("Link")
        path = link.partition(">")[0].removeprefix("<") if link else None
    assert found == anns
    assert len(admin.get(FACES).json["items"]) == 5
    assert admin.get(f"{FACES}?subject=Cleo").status_code == 404


def test_a_deleted_face_is_gone(admin, enrol):
    path = f"{FACES}/{enrol('Ann')}"
    assert admin.delete(path).status_code == 202
    assert admin.get(path).status_code == 404
    assert admin.get(f"{path}/image").status_code == 404
    assert admin.delete(path).status_code == 404


def test_a_face_is_found_only_in_its_collection(admin, enrol, make_client):
    face_id = enrol("Ann")
    admin.post("/v1/collections", json={"name": "guests"})
    guests = admin.get("/v1/collections/guests").json
    for path in (f"guests/faces/{face_id}", f"staff/faces/{NOBODY}", "staff/faces/5"):
        assert admin.get(f"/v1/collections/{path}").status_code == 404
    stranger = make_client(Scope.ADMIN, collection_id=guests["id"])
    for suffix in ("", f"/{face_id}", f"/{face_id}/image"):
        assert stranger.get(FACES + suffix).status_code == 404
    assert stranger.post(FACES, **PHOTO).status_code == 404
    assert stranger.delete(f"{FACES}/{face_id}").status_code == 404


def test_a_read_key_asks_but_does_not_enrol(make_client, staff):
    reader = make_client(Scope.READ)
    assert reader.post("/v1/collections/staff/recognitions", **PHOTO).status_code == 202
    assert reader.post(FACES, **PHOTO).status_code == 403
    assert reader.post("/v1/collections/staff/trainings").status_code == 403


def test_a_person_says_whom_a_face_shows_and_takes_it_back(admin, enrol):
    face_id = enrol("Ann")
    renamed = admin.patch(f"{FACES}/{face_id}", json={"subject": "Bob"})
    assert (renamed.status_code, renamed.json["subject"]) == (200, "Bob")
    ruled_out = admin.patch(f"{FACES}/{face_id}", json={"not_subject": "Ann"}).json
    assert (ruled_out["subject"], ruled_out["not_subject"]) == (None, "Ann")
    freed = admin.patch(f"{FACES}/{face_id}", json={}).json
    assert (freed["subject"], freed["not_subject"]) == (None, None)


def test_a_face_cannot_show_and_not_show_somebody_at_once(admin, enrol):
    face_id = enrol("Ann")
    answer = admin.patch(f"{FACES}/{face_id}", json={"subject": "Ann", "not_subject": "Bob"})
    assert answer.status_code == 400
    answer = admin.post(f"{FACES}?subject=Ann&not_subject=Bob", **PHOTO)
    assert answer.status_code == 400


def test_nobody_unknown_can_be_ruled_out(admin, enrol):
    face_id = enrol("Ann")
    answer = admin.patch(f"{FACES}/{face_id}", json={"not_subject": "Nobody"})
    assert answer.status_code == 404


def test_a_foreign_face_is_not_relabelled(make_client, admin, enrol):
    face_id = enrol("Ann")
    other = admin.post("/v1/collections", json={"name": "other"}).json
    stranger = make_client(Scope.WRITE, collection_id=other["id"])
    answer = stranger.patch(f"{FACES}/{face_id}", json={"subject": "Bob"})
    assert answer.status_code == 404
