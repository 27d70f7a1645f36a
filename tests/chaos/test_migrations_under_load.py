"""The tables change while jobs run, and the code of the released version goes on working."""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from alembic.script import ScriptDirectory

from app.storage.database.engine import build_engine
from app.storage.database.health import MIGRATIONS
from app.storage.database.tenancy import DatabaseRole
from app.storage.upkeep.migrate import migrate
from tests.chaos.released_client import NAME, REVISION, ReleasedClient
from tests.chaos.stack import wait_for

#: Nobody waits longer for a lock than this.
LONGEST_WAIT_S = 0.5
_PASSWORD = "released"

_RECORD_REWRITES = """
CREATE TABLE public.rewrites (name text);
GRANT ALL ON public.rewrites TO PUBLIC;
CREATE FUNCTION note_rewrite() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.rewrites VALUES (pg_event_trigger_table_rewrite_oid()::regclass::text);
END
$$;
CREATE EVENT TRIGGER note_rewrite ON table_rewrite EXECUTE FUNCTION note_rewrite();
"""
_FILL = """
INSERT INTO collections (id, name, model, matcher, target_fpir, quality_gate, keep_images,
                         created_at)
VALUES (%(collection)s, 'staff', 'm', 'auto', 0.01, 'basic', false, now());
INSERT INTO subjects (id, collection_id, name, created_at)
SELECT gen_random_uuid(), %(collection)s, 'subject ' || n, now()
FROM generate_series(1, %(faces)s) AS n;
INSERT INTO faces (id, collection_id, subject_id, job_id, image_number, box, landmarks,
                   confidence, model, embedding, created_at)
SELECT gen_random_uuid(), %(collection)s, id, gen_random_uuid(), 0, '{{0,0,1,1}}', '{{}}', 0.9, 'm',
       (SELECT array_agg(random() - 0.5) FROM generate_series(1, 128) WHERE id IS NOT NULL)::vector,
       now()
FROM subjects;
INSERT INTO jobs (id, type, state, collection_id, parameters, done, total, attempt, losses,
                  publish_at, publishes, created_at, result)
SELECT gen_random_uuid(), 'recognition', 'succeeded', %(collection)s, '{{}}', 1, 1, 1, 0, now(), 1,
       now(), json_build_object('faces', repeat('x', 500))
FROM generate_series(1, %(jobs)s);
INSERT INTO endpoints (id, url, secret, events, enabled, created_at)
VALUES (%(collection)s, 'https://example.com', 's', '{{}}', true, now());
INSERT INTO deliveries (id, endpoint_id, event, payload, state, attempt, schedule_start, created_at)
SELECT gen_random_uuid(), %(collection)s, 'job.succeeded', '{{}}', 'delivered', 1, 0, now()
FROM generate_series(1, %(jobs)s);
"""
_WAITS = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND application_name = %s
"""


class _Waits(threading.Thread):
    """Watches for how long the clients wait for locks."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self._url = url
        self._done = threading.Event()
        self.longest_s = 0.0

    def run(self):
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._done.wait(0.01):
                [(waited_s,)] = connection.execute(_WAITS, [NAME]).fetchall()
                self.longest_s = max(self.longest_s, waited_s)

    def stop(self):
        self._done.set()
        self.join(30)


class _Reader(threading.Thread):
    """Reads the large tables in transactions of a second, as reports and backups do."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self._url = url
        self._done = threading.Event()
        #: Set while a transaction holds its locks, of which it has just taken the last.
        self.reads = threading.Event()

    def run(self):
        with psycopg.connect(self._url) as connection:
            while not self._done.wait(0.3):
                for table in ("jobs", "faces", "subjects", "collections", "deliveries"):
                    connection.execute(f"SELECT count(*) FROM {table}")
                self.reads.set()
                self._done.wait(1.0)
                self.reads.clear()
                connection.rollback()

    def stop(self):
        self._done.set()
        self.join(30)


@contextmanager
def _load(url, collection):
    """Work on the tables for the length of the block; gives the clients, their waits, a reader."""
    clients = [ReleasedClient(url, collection, seed) for seed in range(2)]
    waits, reader = others = [_Waits(url), _Reader(url)]
    for thread in (*clients, *others):
        thread.start()
    wait_for(lambda: all(client.rounds > 3 for client in clients), what="the clients")
    try:
        yield clients, waits, reader
    finally:
        for thread in (*others, *clients):
            thread.stop()


@pytest.fixture
def released(database_server, size):
    """A database of version 0.1.0 with rows in it, and its owner's URL for libpq."""
    name = f"released_{uuid4().hex}"
    with _connected(database_server.url("postgres")) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{_PASSWORD}'")
        for group in DatabaseRole:
            if not admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [group]).fetchall():
                admin.execute(f"CREATE ROLE {group}")
            admin.execute(f"GRANT {group} TO {name}")
        admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    with _connected(database_server.url(name)) as admin:
        admin.execute("CREATE EXTENSION vector")
        admin.execute(_RECORD_REWRITES)
    url = database_server.url(name, user=name, password=_PASSWORD)
    engine = build_engine(url, pool_size=1)
    migrate(engine, REVISION)
    collection = uuid4()
    rows = {
        "collection": f"'{collection}'",
        "faces": size(small=500, fast=1_000, full=10_000),
        "jobs": size(small=20_000, fast=50_000, full=200_000),
    }
    with _connected(url) as connection:
        connection.execute(re.sub(r"%\((\w+)\)s", r"{\1}", _FILL).format(**rows))
        connection.execute("ANALYZE")
    yield engine, url.replace("+psycopg", ""), collection
    engine.dispose()
    with _connected(database_server.url("postgres")) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.execute(f"DROP ROLE {name}")


def _connected(url):
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def _rewrites(url):
    with _connected(url) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM rewrites").fetchall()}
        connection.execute("TRUNCATE rewrites")
    return found


def _revisions():
    """Return the revisions that came after the released ones, oldest first."""
    script = ScriptDirectory(str(MIGRATIONS))
    return [found.revision for found in reversed([*script.iterate_revisions("head", REVISION)])]


def test_migrations_run_while_released_code_works(released, size, at_most, finding):
    engine, url, collection = released
    revisions = _revisions()
    slowest = (0.0, "")
    with _load(url, collection) as (clients, waits, _):
        for revision in revisions:
            before_s, waits.longest_s = waits.longest_s, 0.0
            migrate(engine, revision)
            slowest = max(slowest, (waits.longest_s, revision))
            waits.longest_s = max(before_s, waits.longest_s)
        for _ in range(size(small=0, fast=1, full=2)):
            migrate(engine, REVISION, down=True)
            migrate(engine)
        migrate(engine)
        time.sleep(0.2)
    failures = [failure for client in clients for failure in client.failures]
    rounds = sum(client.rounds for client in clients)
    rewritten = _rewrites(url)

    with (
        _load(url, collection) as (_, naive_waits, reader),
        _connected(url) as connection,
    ):
        wait_for(lambda: not reader.reads.is_set(), what="the end of a report")
        assert reader.reads.wait(30)
        connection.execute("ALTER TABLE jobs ALTER COLUMN total TYPE bigint")
    naively_rewritten = _rewrites(url)
    finding(
        test="T24",
        promise="Migrations run while jobs do: released code goes on, and no one waits for long",
        n=len(revisions),
        figure=f"{len(failures)} of {rounds} rounds of submit, work and search failed; the longest"
        f" wait for a lock {waits.longest_s:.2f} s ({slowest[1]}); {len(rewritten)} tables"
        f" rewritten{': ' + failures[0] if failures else ''}",
        passed=not failures and waits.longest_s < at_most(LONGEST_WAIT_S) and not rewritten,
        naive=f"a column's type changed: {', '.join(sorted(naively_rewritten))} rewritten, a wait"
        f" of {naive_waits.longest_s:.2f} s",
        naive_failed=naive_waits.longest_s > LONGEST_WAIT_S and "jobs" in naively_rewritten,
    )
