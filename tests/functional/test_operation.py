from __future__ import annotations

from uuid import UUID

import pytest
from factories import image_bytes

from app.domain.access import Scope
from app.domain.pulse import Part
from app.domain.setback import Chore


def test_live_needs_no_key_and_no_server(app, anyone):
    app.extensions["key_ring"]._uow = None
    assert anyone.get("/health/live").json == {"status": "live"}


def test_ready_does_not_mind_the_broker(anyone):
    answer = anyone.get("/health/ready")
    assert answer.status_code == 200
    parts = answer.json["parts"]
    assert {part for part, works in parts.items() if works} == {
        "database", "migrations", "writable", "clock", "queue", "weights", "disk",
    }  # fmt: skip
    assert parts["broker"] is False


WELL = dict.fromkeys(
    (
        *("database", "migrations", "writable", "clock", "queue"),
        *("inference", "sweep", "weights", "broker", "disk"),
    ),
    True,
)


@pytest.mark.parametrize("part", ["database", "migrations", "writable", "disk"])
def test_ready_is_refused_without_what_a_submit_needs(anyone, web_container, part):
    object.__setattr__(web_container, "check_parts", lambda: WELL | {part: False})
    answer = anyone.get("/health/ready")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert part in answer.json["detail"]


@pytest.mark.parametrize("part", WELL)
def test_working_is_refused_without_any_part(anyone, web_container, part):
    object.__setattr__(web_container, "check_parts", lambda: WELL | {part: False})
    answer = anyone.get("/health/working")
    assert answer.status_code == 503
    assert answer.json["detail"] == f"These parts do not work: {part}."


def test_working_means_that_workers_have_told_so_lately(anyone, web_container, container):
    parts = web_container.check_parts()
    assert not parts["inference"]
    assert not parts["sweep"]
    for part in (Part.INFERENCE, Part.SWEEP):
        container.pulses.leave(part)
    broker = {"broker": True}
    found = web_container.check_parts() | broker
    object.__setattr__(web_container, "check_parts", lambda: found)
    assert anyone.get("/health/working").json == {
        "status": "working",
        "parts": WELL,
        "set_aside": {},
    }


def test_what_was_set_aside_is_named_by_health_and_metrics(anyone, admin, web_container, container):
    with container.uow() as work:
        for number in (1, 2):
            work.setbacks.add(Chore.CONSENTS, UUID(int=number), fault="ValueError")
        work.setbacks.add(Chore.SCRUB, None, fault="ValueError")
        work.commit()
    object.__setattr__(web_container, "check_parts", lambda: WELL)
    for path in ("/health/ready", "/health/working"):
        answer = anyone.get(path)
        assert answer.status_code == 200  # one thing keeps nothing from starting
        assert answer.json["set_aside"] == {"consents": 2, "scrub": 1}
    figures = admin.get("/metrics").text
    assert 'vultus_set_aside{chore="consents"} 2.0' in figures
    assert 'vultus_set_aside{chore="deliveries"} 0.0' in figures


def test_models_are_listed_with_the_active_one_marked(admin):
    models = {model["id"]: model for model in admin.get("/v1/models").json["items"]}
    assert models["facenet-msceleb-128"]["active"] is True
    assert models["facenet-msceleb-128"]["thresholds"] == {"match": 0.6, "possible": 0.4}
    assert models["facenet-casia-512"]["active"] is False


def test_metrics_count_requests_and_jobs(admin, staff):
    admin.post("/v1/detections", data=image_bytes(), content_type="image/png")
    admin.get("/v1/collections/staff")
    admin.get("/nothing")
    figures = admin.get("/metrics").text
    assert 'vultus_jobs{state="queued",type="detection"} 1.0' in figures
    assert 'method="GET",route="/v1/collections/<collection>",status="200"} 1.0' in figures
    assert 'route="none",status="404"' in figures
    assert "nothing" not in figures
    assert "staff" not in figures


def test_metrics_need_a_key_for_all_collections(anyone, make_client, staff):
    assert anyone.get("/metrics").status_code == 401
    assert make_client(Scope.READ).get("/metrics").status_code == 200
    assert make_client(Scope.ADMIN, collection_id=staff["id"]).get("/metrics").status_code == 403


def test_trainings_are_queued_and_listed(admin, staff):
    path = "/v1/collections/staff/trainings"
    answer = admin.post(path)
    assert answer.status_code == 202
    assert answer.json["type"] == "training"
    assert answer.json["progress"] == {"done": 0, "total": 0}
    assert admin.get(path).json == {"items": []}
    assert admin.get(f"{path}?limit=0").status_code == 400
    assert admin.post("/v1/collections/nobody/trainings").status_code == 404
