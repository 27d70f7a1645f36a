from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.domain.access import Scope


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer vlt_abc_def"},
        {"Authorization": "Bearer vlt_" + "a" * 5000 + "_b"},
        {"x-api-key": ""},
        {"x-api-key": "vlt_\u00e9_\u00e9"},
        {"x-api-key": "vlt_0_\u00ff"},
    ],
)
def test_a_caller_without_a_valid_key_is_told_how_to_send_one(anyone, headers):
    answer = anyone.get("/v1/collections", headers=headers)
    assert answer.status_code == 401
    assert answer.json["type"] == "https://faces.example/problems/authentication-required"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_both_headers_open(anyone, admin):
    for headers in (
        {"Authorization": f"Bearer {admin.credential}"},
        {"Authorization": f"bearer {admin.credential}"},
        {"x-api-key": admin.credential},
    ):
        assert anyone.get("/v1/collections", headers=headers).status_code == 200


def test_a_wrong_secret_does_not_open(anyone, admin):
    headers = {"x-api-key": admin.credential[:-1] + ("a" if admin.credential[-1] != "a" else "b")}
    assert anyone.get("/v1/collections", headers=headers).status_code == 401


def test_admin_makes_a_key_that_is_shown_once(admin, anyone):
    answer = admin.post("/v1/keys", json={"name": "camera", "scope": "read"})
    assert answer.status_code == 201
    key = answer.json["key"]
    assert anyone.get("/v1/models", headers={"x-api-key": key}).status_code == 200
    for shown in (admin.get(answer.headers["Location"]), admin.get("/v1/keys")):
        assert key not in shown.text
        assert key.rpartition("_")[2] not in shown.text


def test_a_key_for_one_collection_opens_only_that(admin, anyone, staff):
    body = {"name": "door", "scope": "write", "collection": "staff"}
    made = admin.post("/v1/keys", json=body).json
    assert made["collection_id"] == staff["id"]
    admin.post("/v1/collections", json={"name": "guests"})
    headers = {"x-api-key": made["key"]}
    assert anyone.get("/v1/collections/staff", headers=headers).status_code == 200
    assert anyone.get("/v1/collections/guests", headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "a"}, "#/scope"),
        ({"name": "a", "scope": "root"}, "#/scope"),
        ({"name": "a", "scope": "read", "collection": "nobody"}, "#/collection"),
        ({"name": "a", "scope": "read", "collection": "\x00"}, "#/collection"),
        ({"name": "a", "scope": "read", "expires_at": "2001-01-01T00:00:00Z"}, "#/expires_at"),
        ({"name": "a", "scope": "read", "expires_at": "2099-01-01T00:00:00"}, "#/expires_at"),
        ({"name": "\x00", "scope": "read"}, "#/name"),
    ],
)
def test_a_wrong_key_request_is_refused(admin, body, pointer):
    answer = admin.post("/v1/keys", json=body)
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == pointer


def test_an_expired_key_does_not_open(make_client, container):
    client = make_client(expires_at=container.clock.now() + timedelta(minutes=1))
    assert client.get("/v1/models").status_code == 200
    container.clock.advance(timedelta(minutes=2))
    assert client.get("/v1/models").status_code == 401


def test_a_revoked_key_does_not_open_once_the_memory_has_passed(app, admin, make_client):
    ring = app.extensions["key_ring"]
    moment = [0.0]
    ring._monotonic = lambda: moment[0]
    other = make_client()
    assert other.get("/v1/models").status_code == 200
    assert admin.delete(f"/v1/keys/{other.key.id}").status_code == 204
    moment[0] += 1
    assert other.get("/v1/models").status_code == 401
    assert admin.get(f"/v1/keys/{other.key.id}").json["revoked_at"]
    assert admin.delete(f"/v1/keys/{other.key.id}").status_code == 204


def test_the_last_admin_key_stays(admin, make_client, staff):
    make_client(Scope.READ)
    make_client(Scope.ADMIN, collection_id=staff["id"])
    answer = admin.delete(f"/v1/keys/{admin.key.id}")
    assert answer.status_code == 409
    assert admin.get("/v1/models").status_code == 200


def test_only_global_admins_see_keys(make_client, staff):
    for client in (make_client(Scope.WRITE), make_client(Scope.ADMIN, collection_id=staff["id"])):
        assert client.get("/v1/keys").status_code == 403
        assert client.post("/v1/keys", json={"name": "a", "scope": "admin"}).status_code == 403
        assert client.delete(f"/v1/keys/{client.key.id}").status_code == 403


def test_an_unknown_key_is_not_found(admin):
    path = "/v1/keys/0191e0a8-0000-7000-8000-000000000000"
    assert admin.get(path).status_code == 404
    assert admin.delete(path).status_code == 404


def test_a_rotated_key_has_two_secrets_until_the_overlap_is_over(admin, make_client, container):
    client = make_client()
    answer = admin.post(f"/v1/keys/{client.key.id}/rotate", json={"overlap_s": 60})
    assert answer.json["id"] == str(client.key.id)
    assert answer.json["previous_secret_until"]
    new = {"Authorization": f"Bearer {answer.json['key']}"}
    assert client.get("/v1/jobs").status_code == 200
    assert client.get("/v1/jobs", headers=new).status_code == 200
    container.clock.advance(timedelta(seconds=61))
    assert client.get("/v1/jobs").status_code == 401
    assert client.get("/v1/jobs", headers=new).status_code == 200


def test_a_key_is_rotated_without_a_body_with_the_usual_overlap(admin, make_client, container):
    client = make_client(Scope.READ)
    answer = admin.post(f"/v1/keys/{client.key.id}/rotate")
    assert answer.status_code == 200
    until = datetime.fromisoformat(answer.json["previous_secret_until"])
    left = until - container.clock.now()
    assert timedelta(hours=23) < left <= timedelta(days=1)
    assert admin.post(f"/v1/keys/{client.key.id}/rotate", data=b"5").status_code == 415


def test_a_revoked_key_cannot_be_rotated(admin, make_client):
    key_id = make_client().key.id
    admin.delete(f"/v1/keys/{key_id}")
    assert admin.post(f"/v1/keys/{key_id}/rotate", json={}).status_code == 409


def test_a_bound_is_told_in_full(admin, make_client):
    client = make_client()
    answer = admin.post(f"/v1/keys/{client.key.id}/rotate", json={"overlap_s": 10**9})
    assert answer.json["errors"][0]["detail"] == "Must be at most 2592000."
