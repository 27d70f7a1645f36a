from __future__ import annotations

import pytest

from app.domain.access import Scope


def test_admin_makes_a_collection_and_finds_it_by_id_and_by_name(admin):
    answer = admin.post("/v1/collections", json={"name": "staff", "retention_days": 30})
    assert answer.status_code == 201
    made = answer.json
    assert made["model"] == "facenet-msceleb-128"
    assert made["keep_images"] is True
    assert made["retention_days"] == 30
    assert answer.headers["Location"] == f"/v1/collections/{made['id']}"
    assert admin.get(f"/v1/collections/{made['id']}").json == made
    assert admin.get("/v1/collections/staff").json == made


def test_a_collection_is_made_with_every_setting_that_was_sent(admin):
    settings = {
        "name": "staff",
        "model": "facenet-casia-512",
        "matcher": "nearest",
        "target_fpir": 0.002,
        "similarity_threshold": 0.7,
        "possible_threshold": 0.4,
        "quality_gate": "strict",
        "keep_images": False,
        "retention_days": 30,
    }
    admin.post("/v1/collections", json=settings)
    made = admin.get("/v1/collections/staff").json
    assert {name: made[name] for name in settings} == settings


@pytest.mark.parametrize("gate", ["off", "basic", "strict"])
def test_the_quality_gate_can_be_changed(admin, staff, gate):
    assert staff["quality_gate"] == "basic"
    changed = admin.patch("/v1/collections/staff", json={"quality_gate": gate})
    assert changed.json["quality_gate"] == gate


def test_a_taken_name_is_a_conflict(admin, staff):
    answer = admin.post("/v1/collections", json={"name": "staff"})
    assert answer.status_code == 409
    assert answer.json["type"] == "https://faces.example/problems/conflict"


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "#/name"),
        ({"name": ""}, "#/name"),
        ({"name": "  "}, "#/name"),
        ({"name": "a/b"}, "#/name"),
        ({"name": "a\x00b"}, "#/name"),
        ({"name": "a\nb"}, "#/name"),
        ({"name": "a\u202eb"}, "#/name"),
        ({"name": "x" * 101}, "#/name"),
        ({"name": ".."}, "#/name"),
        ({"name": "0191e0a8-0000-7000-8000-000000000000"}, "#/name"),
        ({"name": 5}, "#/name"),
        ({"name": None}, "#/name"),
        ({"name": "a", "nmae": "b"}, "#/nmae"),
        ({"name": "a", "model": "vgg"}, "#/model"),
        ({"name": "a", "model": "a\x00"}, "#/model"),
        ({"name": "a", "similarity_threshold": 1.5}, "#/similarity_threshold"),
        ({"name": "a", "similarity_threshold": "0.5"}, "#/similarity_threshold"),
        (
            {"name": "a", "similarity_threshold": 0.5, "possible_threshold": 0.6},
            "#/possible_threshold",
        ),
        ({"name": "a", "retention_days": 0}, "#/retention_days"),
        ({"name": "a", "retention_days": 2**40}, "#/retention_days"),
        ({"name": "a", "retention_days": 10**400}, "#/retention_days"),
        ({"name": "a", "retention_days": 1.5}, "#/retention_days"),
        ({"name": "a", "keep_images": "yes"}, "#/keep_images"),
    ],
)
def test_a_wrong_member_is_refused_with_its_pointer(admin, document, pointer):
    answer = admin.post("/v1/collections", json=document)
    assert answer.status_code == 400
    assert answer.json["type"] == "https://faces.example/problems/validation-failed"
    assert [fault["pointer"] for fault in answer.json["errors"]] == [pointer]


def test_names_are_equal_however_they_are_composed(admin):
    assert admin.post("/v1/collections", json={"name": " Zoe\u0308 "}).json["name"] == "Zo\u00eb"
    assert admin.get("/v1/collections/Zoe%CC%88").status_code == 200


def test_admin_changes_and_resets_settings(admin, staff):
    path = f"/v1/collections/{staff['id']}"
    changed = admin.patch(path, json={"name": "people", "similarity_threshold": 0.7}).json
    assert changed == staff | {"name": "people", "similarity_threshold": 0.7}
    assert admin.patch(path, json={"similarity_threshold": None}).json["name"] == "people"
    assert admin.get(path).json == staff | {"name": "people"}


@pytest.mark.parametrize("document", [{"model": "facenet-casia-512"}, {"name": None}, {"id": "x"}])
def test_what_cannot_change_is_refused(admin, staff, document):
    assert admin.patch(f"/v1/collections/{staff['id']}", json=document).status_code == 400


def test_a_change_may_not_bring_the_thresholds_out_of_order(admin, staff):
    path = f"/v1/collections/{staff['id']}"
    assert admin.patch(path, json={"possible_threshold": 0.5}).status_code == 200
    assert admin.patch(path, json={"similarity_threshold": 0.4}).status_code == 400


def test_a_deleted_collection_is_gone(admin, staff):
    path = f"/v1/collections/{staff['id']}"
    assert admin.delete(path).status_code == 202
    assert admin.get(path).status_code == 404
    assert admin.delete(path).status_code == 404


@pytest.mark.parametrize(
    "reference",
    ["nobody", "a%00b", "%20", "%ff", "x" * 500, "0191e0a8-0000-7000-8000-000000000000"],
)
def test_an_unknown_collection_is_not_found(admin, reference):
    answer = admin.get(f"/v1/collections/{reference}")
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"


def test_a_listing_goes_on_by_cursor_to_its_end(admin):
    for name in "dbace":
        admin.post("/v1/collections", json={"name": name})
    names, path, pages = [], "/v1/collections?page_size=2", 0
    while path:
        page = admin.get(path)
        names += [item["name"] for item in page.json["items"]]
        pages += 1
        link = page.headers.get("Link")
        assert (link is None) == ("next_page_token" not in page.json)
        path = link.partition(">")[0].removeprefix("<") if link else None
    assert names == list("abcde")
    assert pages == 3


@pytest.mark.parametrize(
    "query",
    [
        "page_size=-1",
        "page_size=x",
        "page_size=" + "9" * 5000,
        "page_size=1&page_size=2",
        "page_token=x",
        "page_token=%00",
        "page_token=W1siLyJdLFtdXQ.abc",
        "colour=red",
    ],
)
def test_a_wrong_query_is_refused(admin, query):
    answer = admin.get(f"/v1/collections?{query}")
    assert answer.status_code == 400
    assert answer.json["errors"]


def test_a_token_of_another_listing_is_refused(admin):
    for name in "ab":
        admin.post("/v1/collections", json={"name": name})
    token = admin.get("/v1/collections?page_size=1").json["next_page_token"]
    assert admin.get(f"/v1/jobs?page_token={token}").status_code == 400


def test_a_key_of_one_collection_sees_only_that_one(admin, make_client, staff):
    admin.post("/v1/collections", json={"name": "guests"})
    bound = make_client(Scope.ADMIN, collection_id=staff["id"])
    assert [item["name"] for item in bound.get("/v1/collections").json["items"]] == ["staff"]
    assert bound.get("/v1/collections/staff").status_code == 200
    foreign = bound.get("/v1/collections/guests")
    missing = bound.get("/v1/collections/nobody")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json["detail"] == missing.json["detail"]
    assert bound.post("/v1/collections", json={"name": "more"}).status_code == 403
    assert bound.delete("/v1/collections/guests").status_code == 404


def test_a_read_key_changes_nothing(make_client, staff):
    reader = make_client(Scope.READ)
    path = f"/v1/collections/{staff['id']}"
    assert reader.get(path).status_code == 200
    for answer in (
        reader.post("/v1/collections", json={"name": "more"}),
        reader.patch(path, json={"name": "more"}),
        reader.delete(path),
    ):
        assert answer.status_code == 403
        assert answer.json["type"] == "https://faces.example/problems/permission-denied"
