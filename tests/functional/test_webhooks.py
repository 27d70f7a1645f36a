from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from factories import image_bytes
from sqlalchemy import text

from app.domain.access import Scope
from app.domain.delivery import Attempt, DeliveryState

NOBODY = "0191e0a8-0000-7000-8000-000000000000"
URL = "https://receiver.example/hook"
PHOTO = {"data": image_bytes(), "content_type": "image/jpeg"}


@pytest.fixture
def endpoint(admin):
    return admin.post("/v1/webhooks", json={"url": URL}).json


def test_an_endpoint_shows_its_secret_once(admin, endpoint):
    path = f"/v1/webhooks/{endpoint['id']}"
    assert endpoint["secret"].startswith("whsec_")
    assert endpoint["events"] == [
        "endpoint.disabled",
        "job.cancelled",
        "job.dead",
        "job.failed",
        "job.succeeded",
    ]
    assert endpoint["public_key"].startswith("whpk_")
    for answer in (
        admin.get(path),
        admin.get("/v1/webhooks"),
        admin.patch(path, json={"enabled": False}),
    ):
        assert answer.status_code == 200
        assert endpoint["secret"] not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": "http://receiver.example"},
        {"url": URL, "events": []},
        {"url": URL, "events": ["job.begun"]},
        {"url": URL, "secret": "whsec_mine"},
        {"url": "https://" + "x" * 2000},
    ],
)
def test_a_wrong_endpoint_is_refused(admin, body):
    assert admin.post("/v1/webhooks", json=body).status_code == 400


def test_an_endpoint_is_changed_rotated_and_removed(admin, endpoint):
    path = f"/v1/webhooks/{endpoint['id']}"
    changed = admin.patch(path, json={"events": ["job.dead"], "enabled": False}).json
    assert (changed["events"], changed["enabled"]) == (["job.dead"], False)
    assert admin.patch(path, json={}).status_code == 400
    assert admin.patch(path, json={"url": "http://receiver.example"}).status_code == 400
    rotated = admin.post(f"{path}/rotate").json
    assert rotated["secret"] != endpoint["secret"]
    assert rotated["previous_secret_until"]
    assert rotated["public_key"] != endpoint["public_key"]
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404


def test_a_test_event_is_stored_put_listed_and_sent_again(admin, container, endpoint):
    path = f"/v1/webhooks/{endpoint['id']}"
    answer = admin.post(f"{path}/test")
    assert answer.status_code == 202
    delivery = answer.json
    assert (delivery["event"], delivery["state"]) == ("endpoint.test", "pending")
    assert admin.get(answer.headers["Location"]).json == delivery
    assert admin.get(f"{path}/deliveries").json["items"] == [delivery]
    assert admin.get(f"{answer.headers['Location']}/attempts").json == {"items": []}
    assert admin.post(f"{answer.headers['Location']}/redeliver").status_code == 202
    assert [str(one) for one in container.queue.deliveries] == [delivery["id"]] * 2


def test_a_disabled_endpoint_is_not_tested(admin, endpoint):
    path = f"/v1/webhooks/{endpoint['id']}"
    admin.patch(path, json={"enabled": False})
    assert admin.post(f"{path}/test").status_code == 409
    since = {"since": endpoint["created_at"]}
    assert admin.post(f"{path}/redeliver", json=since).status_code == 409


def test_a_range_is_sent_again_with_what_was_delivered_when_asked_for(admin, container, endpoint):
    path = f"/v1/webhooks/{endpoint['id']}"
    delivery_id = UUID(admin.post(f"{path}/test").json["id"])
    with container.uow() as work:
        delivery = work.deliveries.claim(
            delivery_id, now=container.clock.now(), lease=timedelta(minutes=1)
        )
        attempt = Attempt(
            delivery_id=delivery_id, number=delivery.attempt, at=container.clock.now()
        )
        work.deliveries.record(attempt, state=DeliveryState.DELIVERED, next_attempt_at=None)
        work.commit()

    container.clock.advance(timedelta(seconds=1))

    def again(**range_):
        answer = admin.post(f"{path}/redeliver", json={"since": endpoint["created_at"], **range_})
        return answer.json.get("redelivered", answer.status_code)

    assert again() == 0
    assert again(since="2026-01-01T00:00:00") == 400
    assert again(states=["pending"]) == 400
    assert again(until=endpoint["created_at"], states=["delivered"]) == 0
    assert again(states=["failed", "delivered"]) == 1
    assert admin.get(f"{path}/deliveries/{delivery_id}").json["state"] == "pending"
    assert again(states=["failed", "delivered"]) == 0


def test_a_cancelled_job_is_told_to_its_owner_and_to_admins(admin, make_client, endpoint):
    owner, other = make_client(Scope.WRITE), make_client(Scope.WRITE)
    mine = owner.post("/v1/webhooks", json={"url": URL}).json
    theirs = other.post("/v1/webhooks", json={"url": URL}).json
    job = owner.post("/v1/detections", **PHOTO).json
    owner.post(f"/v1/jobs/{job['id']}/cancel")
    for one, told in ((endpoint, True), (mine, True), (theirs, False)):
        items = admin.get(f"/v1/webhooks/{one['id']}/deliveries").json["items"]
        assert [item["payload"]["data"]["id"] for item in items] == ([job["id"]] if told else [])


def test_endpoints_of_others_are_as_absent_as_missing_ones(admin, make_client, endpoint):
    delivery = admin.post(f"/v1/webhooks/{endpoint['id']}/test").json
    stranger = make_client(Scope.WRITE)
    assert stranger.get("/v1/webhooks").json["items"] == []
    for endpoint_id, delivery_id in ((endpoint["id"], delivery["id"]), (NOBODY, NOBODY)):
        path = f"/v1/webhooks/{endpoint_id}"
        log = f"{path}/deliveries"
        for answer in (
            stranger.get(path),
            stranger.patch(path, json={"enabled": False}),
            stranger.delete(path),
            stranger.post(f"{path}/rotate"),
            stranger.post(f"{path}/test"),
            stranger.post(f"{path}/redeliver", json={"since": "2026-01-01T00:00:00Z"}),
            stranger.get(log),
            stranger.get(f"{log}/{delivery_id}"),
            stranger.get(f"{log}/{delivery_id}/attempts"),
            stranger.post(f"{log}/{delivery_id}/redeliver"),
        ):
            assert answer.status_code == 404


def test_a_read_key_registers_nothing(make_client):
    assert make_client(Scope.READ).post("/v1/webhooks", json={"url": URL}).status_code == 403


def test_an_endpoint_that_waits_for_events_of_a_later_version_hears_of_those_of_this_one(
    admin, staff, work_off, endpoint, owner_engine
):
    at = f"/v1/webhooks/{endpoint['id']}"

    def stored():
        with owner_engine.connect() as connection:
            return connection.scalar(text("SELECT events FROM endpoints"))

    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE endpoints SET events = events || ARRAY['later.event']"))
    assert admin.get("/v1/webhooks").json["items"][0]["events"] == endpoint["events"]
    job = admin.post(
        f"/v1/collections/{staff['id']}/faces", data=image_bytes(), content_type="image/jpeg"
    ).json
    work_off(UUID(job["id"]))
    assert admin.get(f"/v1/jobs/{job['id']}").json["state"] == "succeeded"
    [delivery] = admin.get(f"{at}/deliveries").json["items"]
    assert delivery["event"] == "job.succeeded"
    assert admin.patch(at, json={"url": "https://b.example"}).status_code == 200
    assert "later.event" in stored()
