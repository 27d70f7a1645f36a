"""A CompreFace database is carried over by the command line, with the service running."""

from __future__ import annotations

import io
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from factories import image_bytes
from PIL import Image

from app.domain.identity import new_id

R = "/api/v1/recognition"
#: What Liquibase makes for release 1.2.0, as far as it concerns services and people.
SCHEMA = """
CREATE TABLE app (id bigint PRIMARY KEY, name varchar(50) UNIQUE, guid varchar(36) UNIQUE,
    api_key varchar(36) UNIQUE);
CREATE TABLE model (id bigint PRIMARY KEY, name varchar(50), guid varchar(36) UNIQUE,
    app_id bigint REFERENCES app ON DELETE CASCADE, api_key varchar(36) UNIQUE, type char(1),
    created_date timestamp, UNIQUE (name, app_id));
CREATE TABLE subject (id uuid PRIMARY KEY, api_key varchar(36) REFERENCES model (api_key)
    ON DELETE CASCADE ON UPDATE CASCADE, subject_name varchar(255),
    UNIQUE (api_key, subject_name));
CREATE TABLE img (id uuid PRIMARY KEY, content bytea NOT NULL);
CREATE TABLE embedding (id uuid PRIMARY KEY, subject_id uuid REFERENCES subject ON DELETE CASCADE,
    embedding float8[] NOT NULL, calculator varchar(255) NOT NULL, img_id uuid REFERENCES img);
"""


def as_tiff(photograph):
    """CompreFace keeps photographs of every format that it reads."""
    target = io.BytesIO()
    Image.open(io.BytesIO(photograph)).save(target, "TIFF", compression="tiff_lzw")
    return target.getvalue()


@pytest.fixture(scope="module")
def keys():
    return {kind: uuid4() for kind in "RDV"}


@pytest.fixture(scope="module")
def examples(photographs):
    """Id, subject and photograph of each example, by what becomes of it."""
    by_person = {file.parent.name: file.read_bytes() for file in photographs}
    (ann, first), (bob, second), *_ = by_person.items()
    return {
        "ann": (uuid4(), ann, first),
        "bob": (uuid4(), bob, as_tiff(second)),
        "no photograph": (uuid4(), ann, None),
        "no face": (uuid4(), bob, image_bytes(size=(320, 240))),
    }


@pytest.fixture(scope="module")
def dsn(database_server, keys, examples):
    name = f"frs_{uuid4().hex}"
    with psycopg.connect(
        database_server.url("postgres").replace("+psycopg", ""), autocommit=True
    ) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    dsn = database_server.url(name).replace("+psycopg", "")
    with psycopg.connect(dsn) as frs:
        frs.execute(SCHEMA)
        application = f"home {name}"
        frs.execute("INSERT INTO app VALUES (1, %s, 'a', 'b')", [application])
        demo = UUID(int=2)
        services = [*((f"service {kind}", kind, key) for kind, key in keys.items())]
        for number, (title, kind, key) in enumerate([*services, ("demo", "R", demo)]):
            frs.execute(
                "INSERT INTO model VALUES (%s, %s, %s, 1, %s, %s, now())",
                [number, title, str(number), str(key), kind],
            )
        people = {}
        for person in {subject for _, subject, _ in examples.values()} | {"nobody yet"}:
            people[person] = new_id()
            frs.execute(
                "INSERT INTO subject VALUES (%s, %s, %s)", [people[person], str(keys["R"]), person]
            )
        for example_id, person, photograph in examples.values():
            img_id = None
            if photograph is not None:
                img_id = uuid4()
                frs.execute("INSERT INTO img VALUES (%s, %s)", [img_id, photograph])
            frs.execute(
                "INSERT INTO embedding VALUES (%s, %s, '{1,0}', 'facenet.Calculator', %s)",
                [example_id, people[person], img_id],
            )
    return dsn


def test_services_people_and_photographs_are_carried_over_once(service, dsn, keys, examples):
    first = service.run_cli("import", "compreface", "--dsn", dsn).splitlines()
    assert first[0] == ("3 services created, 2 examples enrolled, 0 already there, 3 left behind.")
    assert sorted(first[1:]) == sorted(
        [
            "Service demo: Its key is public: every CompreFace has it.",
            f"Example {examples['no photograph'][0]}: Its photograph was not kept.",
            f"Example {examples['no face'][0]}: No face found.",
        ]
    )
    options = {"timeout": 60, "trust_env": False, "headers": {"x-api-key": str(keys["R"])}}
    with httpx.Client(base_url=service.base_url, **options) as client:
        subjects = client.get(f"{R}/subjects").json()["subjects"]
        assert set(subjects) == {one[1] for one in examples.values()} | {"nobody yet"}
        for name in ("ann", "bob"):
            example_id, person, photograph = examples[name]
            assert client.get(f"{R}/faces/{example_id}/img").content == photograph
            files = {"file": ("a.jpg", photograph)}
            [face] = client.post(f"{R}/recognize", files=files).json()["result"]
            assert face["subjects"] == [{"subject": person, "similarity": 1.0}]
        assert client.get(f"{R}/faces").json()["total_elements"] == 2
        again = service.run_cli("import", "compreface", "--dsn", dsn).splitlines()
        assert again[0].startswith("0 services created, 0 examples enrolled, 2 already there")
        assert client.get(f"{R}/faces").json()["total_elements"] == 2
        detection = client.post(
            "/api/v1/detection/detect",
            files={"file": ("a.jpg", examples["ann"][2])},
            headers={"x-api-key": str(keys["D"])},
        )
        assert detection.status_code == 200
