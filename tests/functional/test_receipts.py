"""The receipt of an erasure, as those see it who asked for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from factories import image_bytes

from app.domain.access import Scope

HOME = "/v1/collections/staff"


@pytest.fixture
def face(admin, staff, work_off):
    """The id of a face of Ann's, who has one."""
    job = admin.post(
        f"{HOME}/faces?subject=Ann+Lee", data=image_bytes(), content_type="image/jpeg"
    ).json
    work_off(UUID(job["id"]))
    [face_id] = admin.get(job["links"]["self"]).json["result"]["face_ids"]
    return face_id


def test_a_receipt_tells_by_ids_and_numbers_what_is_gone_and_when_its_bytes_are(admin, face):
    subject_id = admin.get(f"{HOME}/subjects/Ann Lee").json["id"]
    answer = admin.delete(f"{HOME}/subjects/Ann Lee")
    assert answer.status_code == 202
    receipt = answer.json
    assert answer.headers["Location"] == f"/v1/jobs/{receipt['id']}"
    assert (receipt["type"], receipt["state"]) == ("erasure", "succeeded")
    result = receipt["result"]
    assert (result["erased"], result["ids"]) == ("subject", [subject_id])
    assert result["stores"] == {
        "subjects": 1,
        "faces": 1,
        "embeddings": 1,
        "prototypes": 1,
        "photographs": 1,
        "trainings": 0,
        "jobs": 1,
        "uploads": 0,
        "idempotency_keys": 0,
        **dict.fromkeys(result["hold_nobody"], 0),
    }
    created, gone_by, kept_until = (
        datetime.fromisoformat(moment)
        for moment in (receipt["created_at"], result["bytes_gone_by"], receipt["expires_at"])
    )
    assert gone_by - created == timedelta(hours=24)
    assert kept_until > gone_by
    assert result["bytes_gone_at"] is None
    assert "Ann" not in answer.text
    assert admin.get(f"/v1/jobs/{receipt['id']}").json == receipt
    assert admin.get("/v1/jobs?type=erasure").json["items"] == [receipt]


@pytest.mark.parametrize("what", ["", "/subjects/Ann Lee", "/faces/{face}"])
def test_who_waits_for_a_receipt_is_answered_200(admin, face, what):
    path = HOME + what.format(face=face)
    answer = admin.delete(path, headers={"Prefer": "wait=5"})
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=5"
    assert answer.json["result"]["stores"]["faces"] == 1
    assert admin.delete(path).status_code == 404


def test_the_receipt_of_a_collection_outlives_it(admin, face):
    receipt = admin.delete(HOME).json
    assert admin.get(f"/v1/jobs/{receipt['id']}").json == receipt


def test_a_receipt_is_shown_to_its_owner_and_to_global_admins(make_client, admin, face):
    writer, other = make_client(Scope.WRITE), make_client(Scope.WRITE)
    receipt = writer.delete(f"{HOME}/faces/{face}").json
    path = f"/v1/jobs/{receipt['id']}"
    assert [client.get(path).status_code for client in (writer, admin, other)] == [200, 200, 404]


def test_a_receipt_is_told_to_webhooks(admin, face):
    hook = admin.post(
        "/v1/webhooks", json={"url": "https://hooks.example/", "events": ["job.succeeded"]}
    ).json
    receipt = admin.delete(f"{HOME}/faces/{face}").json
    [delivery] = admin.get(f"/v1/webhooks/{hook['id']}/deliveries").json["items"]
    assert delivery["payload"]["data"]["id"] == receipt["id"]
