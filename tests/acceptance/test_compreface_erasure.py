"""After each kind of deletion nothing of it is left in tables or answers."""

from __future__ import annotations

import httpx
import psycopg
import pytest
from compreface_clients import new_services

from app.storage.people.image_keys import decrypt

R = "/api/v1/recognition"


@pytest.fixture
def keys(service):
    return new_services(service, "recognition")


@pytest.fixture
def client(service, keys):
    headers = {"x-api-key": keys["recognition"]}
    options = {"headers": headers, "timeout": 60, "trust_env": False}
    with httpx.Client(base_url=service.base_url, **options) as client:
        yield client


@pytest.fixture
def database(service):
    with psycopg.connect(service.database_url(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def marked(photographs, tmp_path):
    """A photograph that can be told from all others by its bytes."""
    mark = f"mark {tmp_path}".encode()
    return photographs[0].read_bytes() + mark, mark


@pytest.fixture
def enrolled(client, marked):
    """Ann is enrolled, searched for with her embedding, and her result is stored."""
    client.post(f"{R}/subjects", json={"subject": "Ann Unique"})
    files = {"file": ("ann.jpg", marked[0])}
    image_id = client.post(f"{R}/faces?subject=Ann+Unique", files=files).json()["image_id"]
    client.post(f"{R}/recognize?face_plugins=calculator", files=files)
    return image_id


def traces(database, mark, image_id, *, name):
    """Count the rows that hold the photograph, the vector or the name."""
    like = f"%{name}%"
    counts = {
        "faces": ("select count(*) from faces where id = %s", image_id),
        "results": ("select count(*) from jobs where result::text like %s", like),
        "parameters": ("select count(*) from jobs where parameters::text like %s", like),
        "deliveries": ("select count(*) from deliveries where payload::text like %s", like),
        "subjects": ("select count(*) from subjects where name like %s", like),
    }
    stored = database.execute(
        "select data, key from images left join image_keys on image_id = images.id"
    )
    found = {
        "images": sum(mark in decrypt(*row) for row in stored),
        **{
            table: database.execute(query, [value]).fetchone()[0]
            for table, (query, value) in counts.items()
        },
    }
    return {table: count for table, count in found.items() if count}


DELETIONS = {
    "example": lambda client, image_id: client.delete(f"{R}/faces/{image_id}"),
    "examples": lambda client, image_id: client.post(f"{R}/faces/delete", json=[image_id]),
    "all examples of the subject": lambda client, _: client.delete(
        f"{R}/faces", params={"subject": "ann unique"}
    ),
    "all examples": lambda client, _: client.delete(f"{R}/faces"),
    "subject": lambda client, _: client.delete(f"{R}/subjects/Ann%20Unique"),
    "all subjects": lambda client, _: client.delete(f"{R}/subjects"),
}
KEEPS_THE_NAME = {"example", "examples", "all examples"}


@pytest.mark.parametrize("deletion", DELETIONS)
def test_a_deletion_leaves_nothing_behind(client, database, marked, enrolled, deletion):
    before = traces(database, marked[1], enrolled, name="Ann Unique")
    assert {"images", "faces", "results", "subjects"} <= before.keys()
    assert DELETIONS[deletion](client, enrolled).status_code == 200
    left = traces(database, marked[1], enrolled, name="Ann Unique")
    assert left == ({"subjects": 1} if deletion in KEEPS_THE_NAME else {})
    assert client.get(f"{R}/faces/{enrolled}/img").content == b""
    assert client.get(f"{R}/faces").json()["total_elements"] == 0
    client.delete(f"{R}/subjects")


def test_a_service_takes_all_its_people_with_it(service, client, database, marked, enrolled):
    listed = service.run_cli("service", "list").splitlines()
    newest = [line.split()[0] for line in listed if " recognition " in line][-1]
    service.run_cli("service", "delete", newest)
    assert traces(database, marked[1], enrolled, name="Ann Unique") == {}
    assert client.get(f"{R}/faces").json()["code"] == 10


def test_another_service_keeps_its_people(service, client, marked, enrolled):
    headers = {"x-api-key": new_services(service, "recognition")["recognition"]}
    for method, path in (
        ("DELETE", f"{R}/faces/{enrolled}"),
        ("DELETE", f"{R}/subjects/Ann%20Unique"),
        ("DELETE", f"{R}/faces"),
        ("DELETE", f"{R}/subjects"),
        ("GET", f"{R}/faces/{enrolled}/img"),
    ):
        client.request(method, path, headers=headers)
    assert client.get(f"{R}/faces").json()["total_elements"] == 1
    assert client.get(f"{R}/faces/{enrolled}/img").content == marked[0]
    client.delete(f"{R}/subjects")
