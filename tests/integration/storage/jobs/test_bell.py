from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from app.domain.identity import new_id
from app.storage.jobs.bell import PostgresJobBell
from app.storage.jobs.statements import JOB_ENDED_CHANNEL
from deploy.local.waiting import wait_until

PATIENCE_S = 60


@pytest.fixture
def database(migrated_url):
    with psycopg.connect(migrated_url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


def _listeners(database):
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = %s"
    )
    return database.execute(query, [f"LISTEN {JOB_ENDED_CHANNEL}"]).fetchone()[0]


def test_a_wait_ends_when_its_job_is_rung_for_and_not_for_another(migrated_url, database):
    job_id, another = new_id(), new_id()
    with closing(PostgresJobBell(migrated_url)) as bell, ThreadPoolExecutor() as pool:
        wait = pool.submit(bell.wait, job_id, PATIENCE_S, ended=lambda: False)
        wait_until(lambda: _listeners(database), PATIENCE_S, "the bell to listen")
        for rung in (another, job_id):
            assert not wait.done()
            database.execute("SELECT pg_notify(%s, %s)", [JOB_ENDED_CHANNEL, str(rung)])
        wait.result(PATIENCE_S / 2)


def test_a_closed_bell_gives_its_connection_back_and_says_nothing(migrated_url, database, caplog):
    bell = PostgresJobBell(migrated_url)
    bell.wait(new_id(), 0, ended=lambda: False)
    wait_until(lambda: _listeners(database), PATIENCE_S, "the bell to listen")
    bell.close()
    wait_until(lambda: not _listeners(database), PATIENCE_S, "the end of the connection")
    assert caplog.records == []


def test_a_bell_that_no_one_waits_for_opens_no_connection(migrated_url, database):
    PostgresJobBell(migrated_url).close()
    assert _listeners(database) == 0
