"""T21: a backup is one moment, comes back byte for byte, and keeps the erased erased."""

from __future__ import annotations

import threading
import time
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from app.storage.database.engine import build_engine
from app.storage.database.table_streams import one_transaction, tables_of
from app.storage.erasure.ledger import list_erasures
from app.storage.upkeep.backup import write_backup
from app.storage.upkeep.migrate import migrate
from app.storage.upkeep.restore import restore_backup

_COLLECTION = uuid4()
_QUERIES = 20

_PERSON = text(
    "INSERT INTO subjects (id, collection_id, name, created_at) VALUES (:id, :home, :name, now())"
)
_JOB = text(
    "INSERT INTO jobs (id, type, state, collection_id, parameters, done, total, attempt, losses,"
    " excused, publish_at, publishes, created_at)"
    " VALUES (:id, 'enrolment', 'queued', :home, '{}', 0, 1, 0, 0, 0, now(), 0, now())"
)
_IMAGE = text("INSERT INTO images (id, job_id, number, data) VALUES (:id, :job, 0, :data)")
_FACE = text(
    "INSERT INTO faces (id, collection_id, subject_id, job_id, image_number, image_id, box,"
    " landmarks, confidence, model, embedding, created_at) VALUES (:id, :home, :subject, :job, 0,"
    " :image, '{0,0,9,9}', '{1,1,2,2,3,3,4,4,5,5}', 0.9, 'm', cast(:vector AS vector), now())"
)


@pytest.fixture
def databases(database_server):
    """Make empty databases; they go at the end."""
    admin = create_engine(database_server.url("postgres"), isolation_level="AUTOCOMMIT")
    made = []

    def make():
        name = f"backup_{uuid4().hex}"
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine = build_engine(database_server.url(name), pool_size=4)
        made.append((name, engine))
        return engine

    yield make
    for name, engine in made:
        engine.dispose()
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


def test_a_backup_under_load_is_one_moment(databases, size, finding, tmp_path):
    people, faces = size(small=20, fast=100, full=200), size(small=100, fast=1000, full=2000)
    live, restored, forgetful = databases(), databases(), databases()
    random = np.random.default_rng(21)
    _seed(live, people, faces, random)
    file = tmp_path / "backup"
    with _Writer(live, random) as writer:
        started = time.monotonic()
        manifest = write_backup(live, file)
        backup_s = time.monotonic() - started
        naive = _dump_table_by_table(live, writer)
    started = time.monotonic()
    restore_backup(restored, file, erasures=None)
    restore_s = time.monotonic() - started
    found = _digests(restored)
    unequal = [m["table"] for m in manifest["tables"] if found[m["table"]] != m["sha256"]]
    dangling = _dangling(restored)
    vectors = random.standard_normal((_QUERIES, 128))
    with live.begin() as connection:  # back to what the backup holds, then one person is erased
        held = {str(one) for one in _ids(restored, "faces")}
        here = {str(one) for one in _ids(live, "faces")}
        connection.execute(
            text("DELETE FROM faces WHERE id = ANY(cast(:ids AS uuid[]))"),
            {"ids": sorted(here - held)},
        )
    wrong = sum(_nearest(live, vector) != _nearest(restored, vector) for vector in vectors)
    with live.begin() as connection:
        connection.execute(text("DELETE FROM subjects WHERE name = 'person 0'"))
    restore_backup(forgetful, file, erasures=list_erasures(live))
    back = len(set(_ids(forgetful, "faces")) - set(_ids(live, "faces")))
    with forgetful.connect() as connection:
        back += connection.scalar(text("SELECT count(*) FROM subjects WHERE name = 'person 0'"))
    finding(
        test="T21",
        promise="A backup under load is one moment, equal byte for byte; the erased stay erased",
        n=len(held),
        figure=f"{len(unequal)} of {len(found)} tables differ, {dangling} dangling, {wrong} of"
        f" {_QUERIES} top-10 differ, {back} erased come back; {file.stat().st_size / 1e6:.1f} MB,"
        f" backup {backup_s:.1f} s, restore {restore_s:.1f} s",
        passed=not unequal and not dangling and not wrong and not back,
        naive=f"table by table without a snapshot: {naive} faces of people who are not in it",
        naive_failed=naive > 0,
    )


class _Writer(threading.Thread):
    """Enrols new people for as long as the block runs."""

    def __init__(self, engine, random):
        super().__init__()
        self.engine, self.random = engine, random
        self.ended, self.wrote = threading.Event(), threading.Semaphore(0)

    def run(self):
        while not self.ended.is_set():
            with self.engine.begin() as connection:
                _enrol(connection, _person(connection, uuid4().hex), self.random)
            self.wrote.release()

    def __enter__(self):
        self.start()
        self.wrote.acquire()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def _seed(engine, people, faces, random):
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO collections (id, name, model, matcher, target_fpir, quality_gate,"
                " keep_images, created_at) VALUES (:id, 'c', 'm', 'auto', 0.01, 'off', true,"
                " now())"
            ),
            {"id": _COLLECTION},
        )
        known = [_person(connection, f"person {number}") for number in range(people)]
        for number in range(faces):
            _enrol(connection, known[number % people], random)


def _person(connection, name):
    person = uuid4()
    connection.execute(_PERSON, {"id": person, "home": _COLLECTION, "name": name})
    return person


def _enrol(connection, person, random):
    """Leave a job, its photograph and the face of it."""
    job, image = uuid4(), uuid4()
    connection.execute(_JOB, {"id": job, "home": _COLLECTION})
    connection.execute(_IMAGE, {"id": image, "job": job, "data": random.bytes(20_000)})
    vector = str(random.standard_normal(128).tolist())
    connection.execute(
        _FACE,
        {
            "id": uuid4(),
            "home": _COLLECTION,
            "subject": person,
            "job": job,
            "image": image,
            "vector": vector,
        },
    )


def _dump_table_by_table(engine, writer):
    """Read people, then faces, each as it then is; return the faces whose person is missing."""
    people = set(_ids(engine, "subjects"))
    while writer.wrote.acquire(blocking=False):
        pass
    for _ in range(2):  # one may have been under way
        writer.wrote.acquire()
    return sum(one not in people for one in _ids(engine, "faces", "subject_id"))


def _ids(engine, table, column="id"):
    with engine.connect() as connection:
        return connection.execute(text(f"SELECT {column} FROM {table}")).scalars().all()


def _digests(engine):
    with one_transaction(engine, "SET TRANSACTION READ ONLY") as connection:
        return {table.name: table.digest(connection) for table in tables_of(connection)}


def _dangling(engine):
    images, people = set(_ids(engine, "images")), set(_ids(engine, "subjects"))
    return sum(one not in images for one in _ids(engine, "faces", "image_id")) + sum(
        one not in people for one in _ids(engine, "faces", "subject_id")
    )


def _nearest(engine, vector):
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL enable_indexscan = off"))
        query = text("SELECT id FROM faces ORDER BY embedding <=> cast(:v AS vector), id LIMIT 10")
        return connection.execute(query, {"v": str(vector.tolist())}).scalars().all()
