from __future__ import annotations

import pytest

SUBJECTS = "/v1/collections/staff/subjects"


def test_a_subject_is_made_found_renamed_and_removed(admin, staff):
    answer = admin.post(SUBJECTS, json={"name": "Ann Lee"})
    assert answer.status_code == 201
    made = answer.json
    assert made["face_count"] == 0
    for reference in (made["id"], "Ann Lee", "Ann%20Lee"):
        assert admin.get(f"{SUBJECTS}/{reference}").json == made
    renamed = admin.patch(f"{SUBJECTS}/Ann Lee", json={"name": "Ann Smith"})
    assert renamed.json == made | {"name": "Ann Smith"}
    assert admin.get(f"{SUBJECTS}/Ann Lee").status_code == 404
    assert admin.delete(f"{SUBJECTS}/{made['id']}").status_code == 202
    assert admin.get(f"{SUBJECTS}/{made['id']}").status_code == 404


def test_a_taken_name_is_a_conflict(admin, staff):
    for name in ("Ann", "Bob"):
        admin.post(SUBJECTS, json={"name": name})
    assert admin.post(SUBJECTS, json={"name": "Ann"}).status_code == 409
    assert admin.patch(f"{SUBJECTS}/Bob", json={"name": "Ann"}).status_code == 409
    assert admin.patch(f"{SUBJECTS}/Bob", json={"name": "Bob"}).status_code == 200


@pytest.mark.parametrize("name", ["", " ", "a\x00", "x" * 201, "\u0007", None, 5, ["Ann"], {}])
def test_a_name_that_is_none_is_refused(admin, staff, name):
    answer = admin.post(SUBJECTS, json={"name": name})
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == "#/name"


@pytest.mark.parametrize("name", ["李小龍", "عليّ‌رضا", "O'Neill; DROP TABLE", "😀", "x" * 200])
def test_names_of_all_scripts_are_kept(admin, staff, name):
    assert admin.post(SUBJECTS, json={"name": name}).json["name"] == name
    assert admin.get(f"{SUBJECTS}/{name}").status_code == 200


def test_subjects_are_listed_by_name_and_cursor(admin, staff):
    for name in ("Cleo", "Ann", "Bob"):
        admin.post(SUBJECTS, json={"name": name})
    first = admin.get(f"{SUBJECTS}?page_size=2").json
    rest = admin.get(f"{SUBJECTS}?page_size=2&page_token={first['next_page_token']}").json
    assert [one["name"] for one in first["items"] + rest["items"]] == ["Ann", "Bob", "Cleo"]


@pytest.mark.parametrize("reference", ["Nobody", "a%00b", "%0a", "x" * 300])
def test_an_unknown_subject_is_not_found(admin, staff, reference):
    assert admin.get(f"{SUBJECTS}/{reference}").status_code == 404
    assert admin.delete(f"{SUBJECTS}/{reference}").status_code == 404
    assert admin.get(f"/v1/collections/nobody/subjects/{reference}").status_code == 404
