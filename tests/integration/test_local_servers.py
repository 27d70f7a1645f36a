"""The embedded servers themselves: what they hold, whom they refuse, how they come back."""

from __future__ import annotations

import random
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest
import redis

from deploy.local.ports import free_port
from deploy.local.postgres import PostgresServer
from deploy.local.recovery import clear_remains, processes_in
from deploy.local.redis import RedisServer
from deploy.local.throwaway import running_postgres, running_redis


def connect(server, **changes):
    url = server.url("postgres").replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True, connect_timeout=60, **changes)


@pytest.fixture
def postgres(tmp_path):
    server = PostgresServer(tmp_path / "postgres", free_port(), "a made-up password")
    server.initialise()
    yield server
    clear_remains(server)


@pytest.fixture
def redis_store(tmp_path):
    return RedisServer(tmp_path / "redis", free_port(), "a-made-up-password")


def test_a_filtered_vector_search_fills_its_answer_with_an_iterative_scan(database_server):
    with connect(database_server) as db:
        db.execute("CREATE EXTENSION IF NOT EXISTS vector")
        version = db.execute(
            "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
        ).fetchone()[0]
        assert tuple(map(int, version.split("."))) >= (0, 8)
        db.execute("CREATE TEMP TABLE face (id int, tenant int, embedding vector(16))")
        chance = random.Random(7)
        with db.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO face VALUES (%s, %s, %s)",
                [(n, n % 100, str([chance.random() for _ in range(16)])) for n in range(2000)],
            )
        db.execute("CREATE INDEX ON face USING hnsw (embedding vector_cosine_ops)")
        db.execute("SET enable_seqscan = off")
        search = (
            "SELECT id FROM face WHERE tenant = 3"
            " ORDER BY embedding <=> (SELECT embedding FROM face WHERE id = 7) LIMIT 10"
        )
        db.execute("SET hnsw.iterative_scan = off")
        without = db.execute(search).fetchall()
        db.execute("SET hnsw.iterative_scan = strict_order")
        assert len(without) < len(db.execute(search).fetchall()) == 10


def test_postgres_refuses_a_wrong_password(database_server):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(database_server, password="wrong")


def test_postgres_never_runs_as_root(database_server):
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in processes_in(database_server)}
    assert owners
    assert 0 not in owners


def test_postgres_keeps_what_was_committed_before_a_kill(postgres):
    with running_postgres(postgres) as process:
        with connect(postgres) as db:
            db.execute("CREATE TABLE kept (n int)")
            db.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
            process.kill()
        process.wait()
    clear_remains(postgres)
    with running_postgres(postgres), connect(postgres) as db:
        assert db.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_postgres_starts_again_although_an_orphan_is_in_a_long_query(postgres):
    with running_postgres(postgres) as process:
        busy = connect(postgres)
        orphan = busy.info.backend_pid
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 100000000000)")
        with connect(postgres) as db:
            running = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'active'"
            while not db.execute(running, [orphan]).fetchone():
                pass
        process.kill()
        process.wait()
    assert orphan in processes_in(postgres)
    clear_remains(postgres)
    assert processes_in(postgres) == []
    busy.close()
    with running_postgres(postgres), connect(postgres) as db:
        assert db.execute("SELECT 1").fetchone() == (1,)


def test_postgres_starts_although_its_lock_file_names_a_stranger(postgres):
    stranger = subprocess.Popen([*postgres.runner.prefix, "cat"], stdin=subprocess.PIPE, cwd="/")
    try:
        lock = postgres.data / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{postgres.data}\n0\n{postgres.port}\n\n\n")
        clear_remains(postgres)
        assert not lock.exists()
        assert stranger.poll() is None
        with running_postgres(postgres):
            pass
    finally:
        stranger.send_signal(signal.SIGKILL)
        stranger.communicate()


def test_postgres_runs_under_a_folder_that_only_its_owner_may_enter(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = PostgresServer(closed / "project" / "var" / "postgres", free_port(), "made up")
    server.initialise()
    with running_postgres(server), connect(server) as db:
        db.execute("CREATE TABLE t (n int)")
    assert closed.stat().st_mode & 0o777 == 0o700


def test_redis_keeps_its_data_over_a_kill(redis_store):
    with running_redis(redis_store) as process:
        client = redis.Redis.from_url(redis_store.url())
        for number in range(100):
            client.rpush("queue", number)
        # The log is written before each answer; only its flush to disk may wait for a second.
        process.kill()
        process.wait()
        client.close()
    with running_redis(redis_store), redis.Redis.from_url(redis_store.url()) as client:
        assert client.lrange("queue", 0, -1) == [str(n).encode() for n in range(100)]


def test_redis_refuses_a_wrong_password(redis_server):
    user, _, address = redis_server.url().rpartition("@")
    url = f"{user.rpartition(':')[0]}:wrong@{address}"
    with (
        redis.Redis.from_url(url) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_redis_refuses_writes_rather_than_drop_queued_jobs(redis_server):
    with redis.Redis.from_url(redis_server.url()) as client:
        settings = client.config_get("maxmemory*")
    assert settings["maxmemory-policy"] == "noeviction"
    assert int(settings["maxmemory"]) == 256 * 2**20
