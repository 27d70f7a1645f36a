"""What version 0.1.0 says to the database: the statements of its submits, workers and searches.

It knows no tenants, lanes, excused attempts or erasures, and goes on working beside what does.
"""

from __future__ import annotations

import random
import threading
import time
from uuid import uuid4

import psycopg

#: The revision of the tables of 0.1.0.
REVISION = "0005"
NAME = "released"
DIMENSION = 128

_SUBMIT = """
WITH job AS (
    INSERT INTO jobs (id, type, state, owner_id, collection_id, parameters, done, total, attempt,
                      losses, publish_at, publishes, created_at)
    VALUES (%(job)s, 'enrolment', 'queued', %(owner)s, %(collection)s, '{}', 0, 1, 0,
            0, now() + interval '10 s', 1, now())
)
INSERT INTO images (id, job_id, number, data) VALUES (%(image)s, %(job)s, 0, %(data)s)
"""
_REMEMBER = """
INSERT INTO idempotency_keys (owner_id, route, key, fingerprint, job_id)
VALUES (%(owner)s, 'enrolment', %(job)s, %(data)s, %(job)s)
ON CONFLICT (owner_id, route, key) DO NOTHING
"""
_CLAIM = """
UPDATE jobs SET state = 'running', attempt = attempt + 1, claimed_by = 'released',
    lease_until = now() + interval '30 s', started_at = coalesce(started_at, now())
WHERE id IN (
    SELECT id FROM jobs WHERE state = 'queued' AND id = %(job)s FOR UPDATE SKIP LOCKED
) RETURNING attempt
"""
_HOLD = "SELECT id FROM jobs WHERE id = %(job)s AND attempt = 1 AND state = 'running' FOR UPDATE"
_SUBJECT = """
INSERT INTO subjects (id, collection_id, name, created_at)
VALUES (%(subject)s, %(collection)s, %(name)s, now())
ON CONFLICT (collection_id, name) DO UPDATE SET name = excluded.name RETURNING id
"""
_FACE = """
INSERT INTO faces (id, collection_id, subject_id, job_id, image_number, image_id, box, landmarks,
                   confidence, model, embedding, created_at)
VALUES (%(face)s, %(collection)s, %(subject)s, %(job)s, 0, NULL, '{0,0,1,1}', '{}', 0.9, 'm',
        %(vector)s, now())
"""
_END = """
UPDATE jobs SET state = 'succeeded', result = '{}', done = total, finished_at = now(),
    expires_at = now() + interval '72 h', lease_until = NULL, claimed_by = NULL
WHERE id = %(job)s AND attempt = 1 AND state = 'running' RETURNING id
"""
_SEARCH = """
SELECT id, subject_id, CAST(embedding AS vector(128)) <=> %(vector)s::vector(128) AS distance
FROM faces WHERE collection_id = %(collection)s AND model = 'm' AND vector_dims(embedding) = 128
ORDER BY distance LIMIT 10
"""
_LIST = "SELECT id, state, result FROM jobs ORDER BY created_at DESC, id DESC LIMIT 20"


class ReleasedClient(threading.Thread):
    """Submits, works, searches and lists until it is told to stop, as 0.1.0 does."""

    def __init__(self, url: str, collection, seed: int) -> None:
        super().__init__(daemon=True)
        self._url, self._collection, self._chance = url, collection, random.Random(seed)
        self._told_to_stop = threading.Event()
        self.rounds = 0
        self.failures: list[str] = []
        self.slowest_s = 0.0

    def run(self) -> None:
        with psycopg.connect(self._url, application_name=NAME) as connection:
            while not self._told_to_stop.is_set():
                begin = time.monotonic()
                try:
                    self._round(connection)
                except psycopg.Error as error:
                    connection.rollback()
                    self.failures.append(f"{type(error).__name__}: {error}")
                self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
                self.rounds += 1

    def stop(self) -> None:
        self._told_to_stop.set()
        self.join(60)

    def _round(self, connection) -> None:
        values = {
            **{name: uuid4() for name in ("job", "image", "face", "subject", "owner")},
            "collection": self._collection,
            "data": self._chance.randbytes(5_000),
            "name": f"person {self._chance.randrange(200)}",
            "vector": str([self._chance.gauss(0, 1) for _ in range(DIMENSION)]),
        }
        self._do(connection, values, _SUBMIT, _REMEMBER)
        self._do(connection, values, _CLAIM)
        with connection.transaction():
            connection.execute(_HOLD, values)
            [(values["subject"],)] = connection.execute(_SUBJECT, values).fetchall()
            connection.execute(_FACE, values)
            ended = connection.execute(_END, values).fetchall()
            connection.execute("DELETE FROM images WHERE job_id = %(job)s", values)
            if len(ended) != 1:
                self.failures.append("a job was not its worker's")
        self._do(connection, values, _SEARCH, _LIST)

    def _do(self, connection, values, *statements) -> None:
        with connection.transaction():
            for statement in statements:
                connection.execute(statement, values)
