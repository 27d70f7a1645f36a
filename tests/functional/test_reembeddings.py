"""The calls that change a collection's model; the work itself is in tests/chaos."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.domain.access import Scope

NEW = "facenet-casia-512"
CHANGES = "/v1/collections/staff/reembeddings"


@pytest.fixture
def change(admin, staff):
    answer = admin.post(CHANGES, json={"model": NEW, "similarity_threshold": 0.7})
    assert answer.status_code == 202
    return answer.json


def test_a_change_is_a_job_and_has_a_page(admin, change, container):
    assert (change["state"], change["model"]) == ("embedding", NEW)
    assert change["former_model"] == "facenet-msceleb-128"
    assert change["progress"] == {"done": 0, "total": 0}
    assert admin.get(change["links"]["self"]).json == change
    assert admin.get(CHANGES).json["items"] == [change]
    job = admin.get(change["links"]["job"]).json
    assert (job["type"], job["state"]) == ("reembedding", "queued")
    assert [str(job_id) for job_id, _ in container.queue.jobs] == [job["id"]]


@pytest.mark.parametrize("model", ["facenet-msceleb-128", "resnet"])
def test_a_model_that_is_none_or_the_same_is_refused(admin, staff, model):
    answer = admin.post(CHANGES, json={"model": model})
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == "#/model"
    assert NEW in answer.json["errors"][0]["detail"]


def test_thresholds_out_of_order_are_refused(admin, staff):
    body = {"model": NEW, "similarity_threshold": 0.4, "possible_threshold": 0.5}
    assert admin.post(CHANGES, json=body).status_code == 400


def test_one_change_at_a_time(admin, change):
    answer = admin.post(CHANGES, json={"model": NEW})
    assert answer.status_code == 409
    assert "Finish or cancel" in answer.json["detail"]


def test_what_does_not_fit_the_state_is_refused_with_the_state(admin, change):
    for call in ("rollback", "finish"):
        answer = admin.post(f"{change['links']['self']}/{call}")
        assert answer.status_code == 409
        assert "is embedding" in answer.json["detail"]
    for body in ({"json": {}}, {}, {"data": b"", "content_type": "application/json"}):
        assert admin.post(f"{change['links']['self']}/activate", **body).status_code == 409
    for body in ({"data": b"x"}, {"data": b"{}", "content_type": "text/plain"}):
        assert admin.post(f"{change['links']['self']}/activate", **body).status_code == 415


def test_a_pause_can_be_seen_and_ended(admin, change):
    path = change["links"]["self"]
    assert admin.post(f"{path}/pause").json["state"] == "paused"
    assert admin.post(f"{path}/pause").status_code == 409
    assert admin.post(f"{path}/resume").json["state"] == "embedding"


def test_a_change_goes_on_with_a_new_job_where_the_last_one_was_cancelled(admin, change):
    admin.post(f"{change['links']['job']}/cancel")
    assert admin.get(change["links"]["self"]).json["job_state"] == "cancelled"
    again = admin.post(f"{change['links']['self']}/resume").json
    assert again["job_state"] == "queued"
    assert again["links"]["job"] != change["links"]["job"]


def test_a_cancelled_change_ends_its_job_and_clears_up_in_another(admin, change):
    answer = admin.post(f"{change['links']['self']}/cancel")
    assert (answer.status_code, answer.json["state"]) == (202, "settling")
    assert admin.get(change["links"]["job"]).json["state"] == "cancelled"
    assert admin.get(answer.json["links"]["job"]).json["state"] == "queued"
    assert admin.post(f"{change['links']['self']}/cancel").json["links"] == answer.json["links"]


def test_a_change_of_another_collection_is_not_there(admin, change):
    admin.post("/v1/collections", json={"name": "other"})
    for path in (
        f"/v1/collections/other/reembeddings/{change['id']}",
        f"{CHANGES}/{uuid4()}",
    ):
        assert admin.get(path).status_code == 404
        assert admin.post(f"{path}/pause").status_code == 404


def test_a_key_that_only_reads_looks_on(make_client, change):
    reader = make_client(Scope.READ)
    assert reader.get(change["links"]["self"]).status_code == 200
    assert reader.post(f"{change['links']['self']}/pause").status_code == 403
