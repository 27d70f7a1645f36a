from __future__ import annotations

import json

import pytest
from sentences import faults_of_style

from app.api.http.problem_types import all_types
from app.domain.errors import ServiceUnavailableError

NESTED = b"[" * 100_000
ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
URL = "https://hooks.example/a"
A_MOMENT = 'Must be a moment with an offset, such as "2026-05-01T12:00:00Z".'
ONE_OF_THE_EVENTS = (
    "Must be one of 'job.succeeded', 'job.failed', 'job.cancelled', 'job.dead', "
    "'endpoint.disabled' or 'endpoint.test'."
)


def assert_problem(answer, status, slug):
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["type"] == f"https://faces.example/problems/{slug}"
    assert answer.json["status"] == status
    assert answer.json["title"]
    assert faults_of_style(answer.json["detail"]) == []


@pytest.mark.parametrize("path", ["/", "/nothing", "/v1/", "/v1/nothing", "/v1/jobs/5", "/v1/%00"])
def test_an_unknown_path_is_a_problem(anyone, path):
    answer = anyone.get(path)
    assert_problem(answer, 404, "not-found")
    assert "collections" not in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/v1/collections"), ("DELETE", "/v1/detections"), ("POST", "/health/live")],
)
def test_a_wrong_method_is_told_the_right_ones(admin, method, path):
    answer = admin.open(path, method=method)
    assert_problem(answer, 405, "method-not-allowed")
    assert method not in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        (b"", "invalid-request"),
        (b"{", "invalid-request"),
        (b"nul", "invalid-request"),
        (b'{"name": "\xff"}', "invalid-request"),
        (b'{"name": "\\ud800"}', "invalid-request"),
        (b'{"name": "a", "similarity_threshold": NaN}', "validation-failed"),
        (b'{"name": "a", "similarity_threshold": 1e999}', "validation-failed"),
        (NESTED, "invalid-request"),
        (b'{"name": ' + NESTED, "invalid-request"),
        (b"[]", "validation-failed"),
        (b"null", "validation-failed"),
        (b'"text"', "validation-failed"),
        (b"5", "validation-failed"),
        (b'{"name": {"a": 1}}', "validation-failed"),
    ],
)
def test_a_body_that_is_no_such_document_is_refused(admin, body, slug):
    answer = admin.post("/v1/collections", data=body, content_type="application/json")
    assert_problem(answer, 400, slug)


@pytest.mark.parametrize(
    ("path", "body", "faults"),
    [
        ("webhooks", {"url": ""}, [("#/url", "Must not be empty.")]),
        ("webhooks", {"url": URL, "events": []}, [("#/events", "Must hold at least 1.")]),
        ("webhooks", {"url": URL, "events": "all"}, [("#/events", "Must be a list.")]),
        (
            "webhooks",
            {"url": URL, "events": ["job.dead"] * 21},
            [("#/events", "Must hold at most 20.")],
        ),
        ("webhooks", {"url": URL, "events": ["job.done"]}, [("#/events/0", ONE_OF_THE_EVENTS)]),
        (f"webhooks/{ID}/redeliver", {"since": "yesterday"}, [("#/since", A_MOMENT)]),
        (f"webhooks/{ID}/redeliver", {"since": "2026-05-01"}, [("#/since", A_MOMENT)]),
        (f"webhooks/{ID}/redeliver", {"since": "2026-05-01T12:00:00"}, [("#/since", A_MOMENT)]),
        (f"webhooks/{ID}/redeliver", {"since": 5}, [("#/since", A_MOMENT)]),
        (
            f"webhooks/{ID}/redeliver",
            {"since": "2026-05-01T12:00:00Z", "states": ["pending"]},
            [("#/states/0", "Must be one of 'failed' or 'delivered'.")],
        ),
    ],
)
def test_each_fault_of_a_body_is_named_once_and_in_our_words(admin, path, body, faults):
    answer = admin.post(f"/v1/{path}", json=body)
    assert_problem(answer, 400, "validation-failed")
    assert [(fault["pointer"], fault["detail"]) for fault in answer.json["errors"]] == faults


def test_a_truth_value_of_the_url_is_named_in_our_words(admin):
    answer = admin.get(f"/v1/collections/{ID}/subjects?without_consent=maybe")
    assert_problem(answer, 400, "validation-failed")
    assert answer.json["detail"] == "#/without_consent: Must be true or false."


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "application/xml"])
def test_another_content_type_is_unsupported(admin, kind):
    answer = admin.post("/v1/collections", data=b'{"name": "a"}', content_type=kind)
    assert_problem(answer, 415, "unsupported-media-type")


def test_a_request_over_the_limit_is_too_large(admin, settings):
    body = json.dumps({"name": "a" * settings.max_request_bytes})
    answer = admin.post("/v1/collections", data=body, content_type="application/json")
    assert_problem(answer, 413, "request-too-large")


def test_an_unforeseen_fault_tells_nothing(admin, container, monkeypatch, caplog):
    def fail(_):
        raise RuntimeError("Ann lives in Paris")

    monkeypatch.setattr("app.storage.people.collections.SqlCollectionRepository.find", fail)
    answer = admin.get("/v1/collections/staff")
    assert_problem(answer, 500, "internal-error")
    assert "Ann" not in answer.text


def test_a_lost_database_asks_for_a_later_attempt(app, container, admin):
    def lost():
        raise ServiceUnavailableError(retry_after_s=7)

    app.extensions["key_ring"]._uow = lost
    answer = admin.get("/v1/collections")
    assert_problem(answer, 503, "service-unavailable")
    assert answer.headers["Retry-After"] == "7"


@pytest.mark.parametrize("slug", sorted(all_types()))
def test_every_problem_type_can_be_opened(anyone, slug):
    answer = anyone.get(f"/problems/{slug}")
    assert answer.status_code == 200
    assert answer.json["type"] == f"https://faces.example/problems/{slug}"
    assert answer.json["description"]


def test_an_unknown_problem_type_is_not_found(anyone):
    assert_problem(anyone.get("/problems/unheard-of"), 404, "not-found")


def test_every_answer_carries_the_headers_of_safety(admin, anyone):
    for answer in (admin.get("/v1/collections"), anyone.get("/nothing"), anyone.get("/v1/docs")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Request-Id"]


def test_a_request_id_is_echoed_unless_it_is_odd(anyone):
    def echoed(text):
        return anyone.get("/health/live", headers={"X-Request-Id": text}).headers["X-Request-Id"]

    assert echoed("abc-1") == "abc-1"
    assert echoed("a b") != "a b"
    assert echoed("x" * 101) != "x" * 101


def test_field_masks_have_no_effect(admin, staff):
    for mask in ("{", "name", "{name}"):
        answer = admin.get("/v1/collections/staff", headers={"X-Fields": mask})
        assert answer.json == staff


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_two_slashes_are_answered_like_any_other_path(admin, method):
    answer = admin.open("/v1/collections//", method=method)
    assert answer.status_code in {404, 405}
    assert answer.content_type == "application/problem+json"
