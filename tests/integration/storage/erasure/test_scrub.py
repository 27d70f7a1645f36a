from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from app.domain.errors import ServiceUnavailableError
from app.domain.identity import new_id
from app.domain.job import Job, JobState
from app.domain.job_parameters import RecognitionParameters
from app.storage.erasure import scrub as scrub_module
from app.storage.erasure.scrub import PostgresScrub

NAME = "Ann Nobodyelse"
PHOTOGRAPH = b"a photograph like no other " * 9
#: XLOG_BLCKSZ, and the size of a page's head: src/include/access/xlog_internal.h in Postgres.
_LOG_PAGE_BYTES, _LOG_HEAD_BYTES = 8192, 24


@pytest.fixture
def scrub(engine):
    return PostgresScrub(engine)


@pytest.fixture
def erased(uow, collection):
    """A subject that was erased."""
    with uow() as work:
        subject = work.subjects.ensure(collection.id, NAME)
        work.commit()
    with uow() as work:
        work.erasures.people(collection.id, subject_ids=[subject.id])
        work.commit()
    return subject


@pytest.fixture
def submit_photograph(uow, collection):
    """Store a job with a photograph."""

    def submit(photograph):
        now = datetime.now(UTC)
        job = Job(
            id=new_id(),
            parameters=RecognitionParameters(),
            state=JobState.QUEUED,
            collection_id=collection.id,
            created_at=now,
        )
        with uow() as work:
            work.jobs.add(job, images=[photograph], publish_at=now)
            work.commit()

    submit.home = collection.id
    return submit


def _files_with(server, mark):
    """Return the files that hold the mark. Postgres moves and removes some while they are read."""
    mark = mark if isinstance(mark, bytes) else mark.encode()
    found = []
    for path in Path(server.data).rglob("*"):
        with suppress(OSError):
            if mark in _content(path):
                found.append(path)
    return found


def _content(path):
    """Return the bytes of a file: of the log without the heads of pages, which cut records."""
    data = path.read_bytes()
    if path.parent.name != "pg_wal":
        return data
    pages = range(0, len(data), _LOG_PAGE_BYTES)
    return b"".join(data[at + _LOG_HEAD_BYTES : at + _LOG_PAGE_BYTES] for at in pages)


def _is_in_a_file(server, mark):
    """Tell whether the mark is in a file once every table is written to one."""
    with psycopg.connect(server.url("postgres").replace("+psycopg", "")) as connection:
        connection.execute("CHECKPOINT")
    return bool(_files_with(server, mark))


def test_the_bytes_of_the_erased_leave_the_files_of_the_database(database_server, scrub, erased):
    assert _is_in_a_file(database_server, NAME)
    assert scrub.oldest() is not None
    assert scrub.run() == 1
    assert not _files_with(database_server, NAME)
    assert scrub.oldest() is None
    assert scrub.run() == 0


def test_the_planner_keeps_no_samples_of_names(database_server, engine, scrub, uow, collection):
    with uow() as work:
        subject = work.subjects.ensure(collection.id, NAME)
        work.subjects.ensure(collection.id, "Bob")
        work.commit()
    with engine.connect() as connection:
        connection.execute(text("ANALYZE subjects"))
        connection.commit()
    with uow() as work:
        work.erasures.people(collection.id, subject_ids=[subject.id])
        work.commit()
    scrub.run()
    assert not _files_with(database_server, NAME)


def test_graphs_are_there_afterwards_and_keep_no_samples(engine, scrub, erased):
    query = text(
        "SELECT indexrelid::regclass::text, indisvalid, attstattarget FROM pg_index"
        " JOIN pg_attribute ON attrelid = indexrelid"
        " WHERE indexrelid::regclass::text LIKE 'ix_faces_halves%' ORDER BY 1"
    )
    with engine.connect() as connection:
        before = connection.execute(query).all()
    scrub.run()
    with engine.connect() as connection:
        assert connection.execute(query).all() == before
    assert [row[1:] for row in before] == [(True, 0), (True, 0)]


def test_a_scrub_that_was_cut_short_is_made_up_for(engine, scrub, erased):
    with engine.begin() as connection:
        connection.execute(text("UPDATE erasures SET gone_at = 'infinity'"))
        connection.execute(text("DROP INDEX ix_faces_halves_128"))
    assert scrub.oldest() is not None
    assert scrub.run() == 1
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('ix_faces_halves_128')")) is not None


def test_a_scrub_does_not_pretend_while_somebody_may_still_see_the_erased(
    migrated_url, scrub, uow, collection, monkeypatch
):
    monkeypatch.setattr(scrub_module, "_PATIENCE_S", 0)
    with psycopg.connect(migrated_url.replace("+psycopg", "")) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM subjects")
        with uow() as work:
            subject = work.subjects.ensure(collection.id, NAME)
            work.erasures.people(collection.id, subject_ids=[subject.id])
            work.commit()
        with pytest.raises(ServiceUnavailableError):
            scrub.run()
    assert scrub.oldest() is not None
    assert scrub.run() == 1


def test_a_sealed_photograph_is_gone_with_its_key(
    database_server, engine, scrub, uow, submit_photograph
):
    submit_photograph(PHOTOGRAPH)
    with engine.connect() as connection:
        key = connection.scalar(text("SELECT key FROM image_keys"))
    assert not _files_with(database_server, PHOTOGRAPH)
    assert _is_in_a_file(database_server, key)
    with uow() as work:
        work.erasures.collection(submit_photograph.home)
        work.commit()
    scrub.run()
    assert not _files_with(database_server, key)


def test_a_photograph_from_before_there_were_keys_goes_too(
    database_server, engine, scrub, uow, submit_photograph
):
    submit_photograph(b"another")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM image_keys"))
        connection.execute(
            text("UPDATE images SET sealed = false, data = :data"), {"data": PHOTOGRAPH}
        )
    assert _is_in_a_file(database_server, PHOTOGRAPH)
    with uow() as work:
        work.erasures.collection(submit_photograph.home)
        work.commit()
    scrub.run()
    assert not _files_with(database_server, PHOTOGRAPH)
