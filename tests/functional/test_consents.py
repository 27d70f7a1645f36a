from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from functools import partial
from io import BytesIO

import pytest
from factories import image_bytes

from app.compat.compreface.usecases.applications import NewService, create_service
from app.domain.access import Scope
from app.domain.compreface import ServiceType
from app.domain.job import JobType
from app.services.jobs.complete import Outcome
from tests.made_results import RESULT_OF

FACES = "/v1/collections/staff/faces"
ANN = "/v1/collections/staff/subjects/Ann"
TERMS = {"purpose": "access-control", "text_version": "2026-05"}
STATED = {"consent_purpose": "access-control", "consent_text_version": "2026-05"}
PHOTO = image_bytes()


@pytest.fixture
def strict(admin, staff):
    """A collection that requires consents."""
    answer = admin.patch("/v1/collections/staff", json={"require_consent": True})
    assert answer.json["require_consent"] is True
    return answer.json


@pytest.fixture
def ann(admin, staff):
    return admin.post("/v1/collections/staff/subjects", json={"name": "Ann"}).json


def _slug(answer):
    return answer.json["type"].rpartition("/")[2]


def _raw(admin, **parameters):
    return admin.post(FACES, query_string=parameters, data=PHOTO, content_type="image/jpeg")


def _form(admin, **parameters):
    return admin.post(FACES, data={"image": (BytesIO(PHOTO), "a.jpg"), **parameters})


def _json(admin, **parameters):
    return admin.post(FACES, json={"image": b64encode(PHOTO).decode(), **parameters})


@pytest.mark.parametrize("send", [_raw, _form, _json])
def test_a_face_is_taken_with_a_consent_and_not_without(admin, strict, send, work_off):
    for refused in ({}, {"subject": "Ann"}, {"not_subject": "Ann"}):
        answer = send(admin, **refused)
        assert (answer.status_code, _slug(answer)) == (422, "consent-required"), refused
    taken = send(admin, subject="Ann", consent_expires_at="2999-01-01T00:00:00Z", **STATED)
    assert taken.status_code == 202, taken.text
    work_off(taken.json["id"])
    [consent] = admin.get(f"{ANN}/consents").json["items"]
    assert (consent["purpose"], consent["text_version"]) == ("access-control", "2026-05")
    assert (consent["expires_at"], consent["valid"]) == ("2999-01-01T00:00:00Z", True)
    assert send(admin, subject="Ann").status_code == 202


def test_a_consent_is_recorded_shown_and_withdrawn(admin, strict, ann, work_off):
    recorded = admin.post(f"{ANN}/consents", json={**TERMS, "reference": "form/4711"})
    assert recorded.status_code == 201
    job = _raw(admin, subject="Ann").json["id"]
    work_off(job)
    path = f"{ANN}/consents/{recorded.json['id']}/withdraw"
    withdrawn = admin.post(path)
    assert (withdrawn.status_code, withdrawn.json["faces_erased"]) == (200, 1)
    assert withdrawn.json["legal_hold"] is False
    assert withdrawn.json["consent"]["valid"] is False
    assert admin.post(path).json["faces_erased"] == 0
    assert admin.get(FACES).json["items"] == []
    [evidence] = admin.get(f"{ANN}/consents").json["items"]
    assert (evidence["reference"], evidence["valid"]) == ("form/4711", False)
    assert _slug(_raw(admin, subject="Ann")) == "consent-required"
    assert admin.delete(ANN).status_code == 202
    assert admin.get(f"{ANN}/consents").status_code == 404


def test_the_subjects_without_a_valid_consent_are_listed(admin, strict, ann):
    admin.post("/v1/collections/staff/subjects", json={"name": "Bob"})
    admin.post(f"{ANN}/consents", json=TERMS)
    listing = partial(admin.get, "/v1/collections/staff/subjects")
    found = listing(query_string={"without_consent": "true"}).json["items"]
    assert [subject["name"] for subject in found] == ["Bob"]
    assert len(listing().json["items"]) == 2


def test_a_collection_with_faces_of_others_cannot_begin_to_require_consents(admin, staff, work_off):
    work_off(_raw(admin, subject="Ann").json["id"])
    refused = admin.patch("/v1/collections/staff", json={"require_consent": True})
    assert (refused.status_code, _slug(refused)) == (409, "conflict")
    assert "1 subjects" in refused.json["detail"]
    assert "Ann" not in refused.text


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**TERMS, "purpose": "Ann Smith, born 1980"}, "#/purpose"),
        ({**TERMS, "reference": "x" * 101}, "#/reference"),
        ({**TERMS, "expires_at": "2020-01-01T00:00:00Z"}, "#/expires_at"),
        ({**TERMS, "given_at": "2999-01-01T00:00:00Z"}, "#/given_at"),
        ({"purpose": "door"}, "#/text_version"),
        ({**TERMS, "note": "by phone"}, "#/note"),
    ],
)
def test_a_consent_holds_codes_and_moments_only(admin, ann, body, pointer):
    answer = admin.post(f"{ANN}/consents", json=body)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize(
    "parameters",
    [
        {"subject": "Ann", "consent_purpose": "door"},
        {"subject": "Ann", "consent_reference": "form-1"},
        STATED,
        {"subject": "Ann", **STATED, "consent_expires_at": "2020-01-01T00:00:00Z"},
    ],
)
def test_half_a_consent_with_a_photograph_is_refused(admin, staff, parameters):
    assert _slug(_raw(admin, **parameters)) == "validation-failed"


def test_an_unknown_consent_is_not_found(admin, staff, ann):
    other = admin.post("/v1/collections/staff/subjects", json={"name": "Bob"}).json
    bobs = admin.post(f"/v1/collections/staff/subjects/{other['id']}/consents", json=TERMS).json
    assert admin.post(f"{ANN}/consents/{bobs['id']}/withdraw").status_code == 404


@pytest.mark.parametrize("place", ["/v1/collections/staff", ANN])
def test_a_hold_is_placed_shown_and_lifted(admin, staff, ann, place):
    path, body = f"{place}/legal-hold", {"reference": "case-2026-114"}
    assert admin.get(path).status_code == 404
    placed = admin.put(path, json=body)
    assert (placed.status_code, placed.json["reference"]) == (201, "case-2026-114")
    assert placed.json["placed_by"] == str(admin.key.id)
    assert admin.put(path, json=body).status_code == 200
    assert admin.get(path).json == placed.json
    assert admin.put(path, json={"reference": "case-2"}).status_code == 409
    assert admin.put(path, json={"reference": "the case of Ann"}).status_code == 400
    for removal in {place, "/v1/collections/staff"}:
        refused = admin.delete(removal)
        assert (refused.status_code, _slug(refused)) == (423, "legal-hold")
        assert (
            f"DELETE {path}".replace("staff", staff["id"]).replace("Ann", ann["id"])
            in (refused.json["detail"])
        )
    assert admin.delete(path).status_code == 204
    assert admin.delete(path).status_code == 404
    assert admin.delete(place).status_code == 202


def test_a_face_that_is_held_stays_where_it_is(admin, staff, work_off):
    work_off(_raw(admin, subject="Ann").json["id"])
    [face] = admin.get(FACES).json["items"]
    admin.put(f"{ANN}/legal-hold", json={"reference": "case-1"})
    path = f"{FACES}/{face['id']}"
    for refused in (admin.delete(path), admin.patch(path, json={"subject": "Bob"})):
        assert (refused.status_code, _slug(refused)) == (423, "legal-hold")
    assert admin.get(f"{path}/image").data == PHOTO


def test_only_admins_hold(make_client, admin, staff):
    writer = make_client(Scope.WRITE)
    path = "/v1/collections/staff/legal-hold"
    for method in ("PUT", "GET", "DELETE"):
        assert writer.open(path, method=method, json={"reference": "a"}).status_code == 403


@pytest.fixture
def door(container, anyone, make_client):
    """A recognition service of CompreFace's API, with the path of its collection for admins."""
    wanted = NewService(
        application="door",
        name="front",
        type=ServiceType.RECOGNITION,
        model="facenet-msceleb-128",
    )
    service, key = create_service(wanted, uow=container.uow, clock=container.clock)
    call = partial(anyone.open, headers={"x-api-key": str(key)})
    call.home = f"/v1/collections/{service.collection_id}"
    call.service = service
    return call


def test_compreface_answers_both_refusals_in_its_own_form(admin, door):
    assert admin.patch(door.home, json={"require_consent": True}).status_code == 200
    add = {"method": "POST", "query_string": {"subject": "Ann"}}
    for path in ("/api/v1/recognition/faces", "/api/v1/faces"):
        refused = door(path, data={"file": (BytesIO(PHOTO), "a.jpg")}, **add)
        assert refused.status_code == 422
        assert refused.json["code"] == 0
        assert "consent" in refused.json["message"]
    door("/api/v1/recognition/subjects", method="POST", json={"subject": "Ann"})
    admin.put(f"{door.home}/subjects/Ann/legal-hold", json={"reference": "case-1"})
    for path in (
        "/api/v1/recognition/subjects/Ann",
        "/api/v1/recognition/subjects",
        "/api/v1/recognition/faces?subject=Ann",
        "/api/v1/recognition/faces",
        f"/admin/app/{door.service.application_id}/model/{door.service.id}",
        f"/admin/app/{door.service.application_id}",
    ):
        key = {"headers": {"x-api-key": admin.credential}} if path.startswith("/admin") else {}
        refused = door(path, method="DELETE", **key)
        assert refused.status_code == 423, path
        assert refused.json == {"code": 0, "message": refused.json["message"]}
        assert "legal hold" in refused.json["message"]


def test_a_kept_probe_is_shown_to_its_owner_and_to_admins(admin, staff, make_client, container):
    admin.patch("/v1/collections/staff", json={"keep_probes": True})
    owner, stranger = make_client(Scope.READ), make_client(Scope.WRITE)
    path = "/v1/collections/staff/recognitions"
    job = owner.post(path, data=PHOTO, content_type="image/jpeg").json["id"]
    image = f"/v1/jobs/{job}/images/0"
    assert owner.get(image).status_code == 404
    with container.uow() as work:
        [(claim, _)] = work.jobs.claim(
            None, worker="test", lease=timedelta(minutes=1), companions=1
        )
        work.commit()
    outcome = Outcome(result=RESULT_OF[JobType.RECOGNITION])
    container.desk.complete(claim, lambda _: outcome)
    for reader in (owner, admin):
        shown = reader.get(image)
        assert (shown.status_code, shown.data) == (200, PHOTO)
        assert shown.headers["Content-Type"] == "image/jpeg"
        assert shown.headers["Cache-Control"] == "no-store"
    assert stranger.get(image).status_code == 404
    for number in ("1", str(2**31), str(2**70), "-1", "x"):
        assert owner.get(f"/v1/jobs/{job}/images/{number}").status_code == 404
    assert owner.delete(f"/v1/jobs/{job}").status_code == 204
    assert owner.get(image).status_code == 404


def test_the_settings_are_shown_and_changed(admin, staff):
    assert (staff["require_consent"], staff["keep_probes"], staff["job_retention_h"]) == (
        False,
        False,
        None,
    )
    wishes = {"require_consent": True, "keep_probes": True, "job_retention_h": 5}
    made = admin.post("/v1/collections", json={"name": "strict", **wishes}).json
    assert {name: made[name] for name in wishes} == wishes
    assert admin.get("/v1/collections/strict").json == made
    assert admin.patch("/v1/collections/strict", json={"job_retention_h": 0}).status_code == 400


def test_a_photograph_of_whom_has_withdrawn_while_it_waited_is_not_enrolled(
    admin, strict, ann, work_off, container
):
    consent = admin.post(f"{ANN}/consents", json=TERMS).json
    job = _raw(admin, subject="Ann").json["id"]
    container.clock.advance(timedelta(seconds=1))
    admin.post(f"{ANN}/consents/{consent['id']}/withdraw")
    work_off(job)
    ended = admin.get(f"/v1/jobs/{job}").json
    assert (ended["state"], ended["error"]["status"]) == ("failed", 422)
    assert ended["error"]["type"].endswith("/consent-required")
