"""Moments at every door: bounded, and in one form wherever they are shown."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import pytest
from factories import image_bytes
from sqlalchemy import text

C = "/v1/collections/staff"
OUTSIDE = ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-05-01T00:00:00"]
#: What a row of an older version may hold.
UNREADABLE = ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC", "9999-12-31 23:59:59-14"]


@pytest.fixture
def ann(admin, staff):
    return admin.post(f"{C}/subjects", json={"name": "Ann"}).json


@pytest.mark.parametrize("moment", OUTSIDE)
def test_a_moment_that_could_not_be_read_again_is_refused_at_every_door(admin, ann, moment):
    consent = {"purpose": "p", "text_version": "1"}
    endpoint = admin.post("/v1/webhooks", json={"url": "https://hooks.example"}).json["id"]
    range_ = f"/v1/webhooks/{endpoint}/redeliver"
    enrolment = {"consent_purpose": "p", "consent_text_version": "1", "subject": "Ann"}
    picture = {"image": (BytesIO(image_bytes()), "a.jpg")}
    expiring = {**enrolment, "consent_expires_at": moment}
    refused = [
        admin.post("/v1/keys", json={"name": "k", "scope": "read", "expires_at": moment}),
        admin.post(f"{C}/subjects/Ann/consents", json={**consent, "expires_at": moment}),
        admin.post(f"{C}/subjects/Ann/consents", json={**consent, "given_at": moment}),
        admin.post(range_, json={"since": moment}),
        admin.post(range_, json={"since": "2026-01-01T00:00:00Z", "until": moment}),
        admin.post(f"{C}/faces", data={**picture, **expiring}),
        admin.post(
            f"{C}/faces", query_string=expiring, data={"image": (BytesIO(image_bytes()), "a.jpg")}
        ),
        admin.post(f"{C}/faces", json={"image": "", **expiring}),
    ]
    assert {answer.status_code for answer in refused} == {400}
    pointers = {fault["pointer"] for answer in refused for fault in answer.json["errors"]}
    assert pointers == {"#/expires_at", "#/given_at", "#/since", "#/until", "#/consent_expires_at"}


@pytest.mark.parametrize("last", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999+00:00"])
def test_the_end_of_time_is_a_moment(admin, ann, last):
    made = admin.post("/v1/keys", json={"name": "k", "scope": "read", "expires_at": last})
    assert made.status_code == 201
    assert admin.get(f"/v1/keys/{made.json['id']}").json["expires_at"] == made.json["expires_at"]


def test_a_moment_is_shown_in_utc_by_the_first_answer_and_by_the_next(admin, ann):
    given, ends = "2026-01-01T01:30:00+02:00", "2126-05-01T00:00:00-05:00"
    consent = {"purpose": "p", "text_version": "1", "given_at": given, "expires_at": ends}
    first = admin.post(f"{C}/subjects/Ann/consents", json=consent).json
    [second] = admin.get(f"{C}/subjects/Ann/consents").json["items"]
    assert first == second
    assert first["given_at"] == "2025-12-31T23:30:00Z"
    assert first["expires_at"] == "2126-05-01T05:00:00Z"
    key = {"name": "k", "scope": "read", "expires_at": ends}
    made = admin.post("/v1/keys", json=key).json
    assert made["expires_at"] == "2126-05-01T05:00:00Z"
    assert admin.get(f"/v1/keys/{made['id']}").json["expires_at"] == "2126-05-01T05:00:00Z"


def test_a_receipt_tells_moments_as_other_answers_do(admin, ann):
    receipt = admin.delete(f"{C}/subjects/Ann").json
    for moment in (receipt["created_at"], receipt["result"]["bytes_gone_by"]):
        assert moment.endswith("Z")
        assert datetime.fromisoformat(moment).tzinfo == UTC


@pytest.mark.parametrize("moment", UNREADABLE)
def test_a_key_whose_times_cannot_be_read_keeps_no_other_from_being_revoked(
    admin, make_client, owner_engine, moment
):
    bad, other = make_client(scope="admin"), make_client(scope="read")
    with owner_engine.begin() as connection:
        for column in ("expires_at", "created_at", "previous_secret_until"):
            connection.execute(
                text(f"UPDATE api_keys SET {column} = CAST(:at AS timestamptz) WHERE id = :id"),
                {"at": moment, "id": bad.key.id},
            )
    listed = admin.get("/v1/keys")
    assert listed.status_code == 200
    assert {str(bad.key.id), str(other.key.id)} <= {one["id"] for one in listed.json["items"]}
    for key in (other.key, bad.key):
        assert admin.delete(f"/v1/keys/{key.id}").status_code == 204
    assert other.get("/v1/collections").status_code == 401


@pytest.mark.parametrize("moment", UNREADABLE)
def test_a_consent_whose_times_cannot_be_read_is_listed_and_withdrawn(
    admin, ann, owner_engine, moment
):
    consent = {"purpose": "p", "text_version": "1"}
    made = admin.post(f"{C}/subjects/Ann/consents", json=consent).json
    with owner_engine.begin() as connection:
        connection.execute(
            text("UPDATE consents SET given_at = CAST(:at AS timestamptz), expires_at = given_at"),
            {"at": moment},
        )
    assert admin.get(f"{C}/subjects/Ann/consents").status_code == 200
    withdrawn = admin.post(f"{C}/subjects/Ann/consents/{made['id']}/withdraw")
    assert withdrawn.status_code == 200
    assert admin.delete(f"{C}/subjects/Ann").status_code == 202
