from __future__ import annotations

from uuid import uuid4

from app.domain.access import Scope


def _newest(admin, **query):
    return admin.get("/v1/audit", query_string=query).json["items"]


def test_a_change_is_listed_with_who_made_it_and_under_which_request(admin, staff):
    admin.delete(f"/v1/collections/{staff['id']}", headers={"X-Request-Id": "r-31"})
    [latest, *_] = _newest(admin)
    assert latest["action"] == "collection.delete"
    assert latest["verdict"] == "done"
    assert latest["target"] == {"kind": "collection", "id": staff["id"]}
    assert latest["actor"] == {"kind": "key", "id": str(admin.key.id)}
    assert latest["request_id"] == "r-31"
    assert latest["sealed"] is False


def test_a_change_of_settings_names_them_without_their_values(admin, staff):
    admin.patch("/v1/collections/staff", json={"name": "secret service", "retention_days": 9})
    [latest, *_] = _newest(admin)
    assert latest["details"] == {"settings": ["name", "retention_days"]}


def test_a_refusal_is_listed_with_the_route_and_what_was_asked_for(admin, make_client):
    reader, job = make_client(Scope.READ), str(uuid4())
    reader.get("/v1/keys")
    reader.get(f"/v1/jobs/{job}")
    missing, forbidden, *_ = _newest(admin, action="access.deny")
    assert (forbidden["verdict"], forbidden["details"]["route"]) == ("forbidden", "/v1/keys")
    assert (missing["verdict"], missing["target"]) == ("not_found", {"kind": "job", "id": job})
    assert {forbidden["actor"]["id"], missing["actor"]["id"]} == {str(reader.key.id)}


def test_whoever_shows_no_key_of_ours_leaves_no_record(admin, anyone):
    before = _newest(admin)
    anyone.get("/v1/jobs")
    anyone.get("/v1/jobs", headers={"x-api-key": "vlt_000000000000_" + "x" * 43})
    assert _newest(admin) == before


def test_the_trail_is_read_page_by_page(admin, staff):
    for number in range(5):
        admin.post("/v1/collections/staff/subjects", json={"name": f"subject {number}"})
    query = {"action": "subject.create", "page_size": 2}
    seen = []
    for _ in range(3):
        page = admin.get("/v1/audit", query_string=query).json
        seen += [item["id"] for item in page["items"]]
        query["page_token"] = page.get("next_page_token")
    assert len(set(seen)) >= 5
    assert seen == sorted(seen, reverse=True)


def test_only_admin_keys_for_all_collections_read_the_trail(admin, staff, make_client):
    bound = make_client(Scope.ADMIN, collection_id=staff["id"])
    for client in (make_client(Scope.WRITE), bound):
        assert client.get("/v1/audit").status_code == 403


def test_an_action_that_does_not_exist_is_no_filter(admin):
    answer = admin.get("/v1/audit", query_string={"action": "nothing"})
    assert answer.status_code == 400
