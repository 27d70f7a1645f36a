"""A database with many faces: the service's own tables, filled faster than one by one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from pgvector.psycopg import register_vector
from sqlalchemy import create_engine, text

from app.domain.collection import Collection
from app.domain.identity import new_id
from app.domain.matching import Matcher
from app.storage.tables import FaceRow
from app.storage.upkeep.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from sqlalchemy import Engine

    from app.services.ports import UnitOfWorkFactory
    from tests.bench.search_vectors import Population

_BOX = [10.0, 10.0, 100.0, 120.0]
_LANDMARKS = [float(value) for value in range(10)]
_FACE_COLUMNS = {
    "id": "uuid",
    "collection_id": "uuid",
    "subject_id": "uuid",
    "job_id": "uuid",
    "image_number": "int4",
    "box": "float8[]",
    "landmarks": "float8[]",
    "confidence": "float8",
    "model": "text",
    "embedding": "vector",
    "created_at": "timestamptz",
}


_SUBJECT_COLUMNS = {
    "id": "uuid",
    "collection_id": "uuid",
    "name": "text",
    "created_at": "timestamptz",
}


@dataclass(frozen=True, slots=True)
class FilledCollection:
    """One collection and where its faces stand in the population."""

    share: str
    collection_id: UUID
    faces: np.ndarray
    #: Ids of its subjects by their numbers in the population.
    subject_ids: dict[int, UUID]
    matcher: Matcher = Matcher.AUTO


def make_tables(url: str, dimension: int) -> None:
    """Migrate an empty database and take away the index, which is built when all faces are in."""
    engine = create_engine(url)
    migrate(engine)
    with engine.begin() as connection:
        _index(dimension).drop(connection)
    engine.dispose()


def fill(
    url: str,
    collections: Sequence[FilledCollection],
    population: Population,
    *,
    model: str,
    uow: UnitOfWorkFactory,
) -> None:
    """Store the collections with their subjects and faces.

    The faces come in the order of the population, so those of a collection lie scattered among the
    others' as where many collections grow at the same time.
    """
    now = datetime.now(UTC)
    homes: dict[int, tuple[UUID, UUID]] = {}
    with uow() as work:
        for filled in collections:
            own = filled.collection_id
            work.collections.add(
                Collection(
                    id=own, name=str(own), model=model, matcher=filled.matcher, created_at=now
                )
            )
            homes |= {number: (own, person) for number, person in filled.subject_ids.items()}
        work.commit()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        register_vector(connection)
        people = (
            (subject_id, collection_id, f"person {number}", now)
            for number, (collection_id, subject_id) in homes.items()
        )
        _copy(connection, "subjects", _SUBJECT_COLUMNS, people)
        faces = (
            (new_id(), *homes[subject], new_id(), 0, _BOX, _LANDMARKS, 0.99, model, vector, now)
            for subject, vector in zip(
                population.subjects.tolist(), population.vectors, strict=True
            )
            if subject in homes
        )
        _copy(connection, "faces", _FACE_COLUMNS, faces)


def build_index(engine: Engine, dimension: int, *, memory: str) -> float:
    """Build the index as the migration defines it; return the seconds.

    ``memory`` is Postgres's ``maintenance_work_mem``: a graph that exceeds it takes many times as
    long.
    """
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SET LOCAL maintenance_work_mem = '{memory}'"))
        begin = time.perf_counter()
        _index(dimension).create(connection)
        return time.perf_counter() - begin


def analyse(engine: Engine) -> None:
    """Let the planner know the tables, as Postgres's own housekeeping does in time."""
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE faces, subjects"))


def index_mb(engine: Engine, dimension: int) -> float:
    """Return the size of the index."""
    with engine.connect() as connection:
        size = connection.scalar(
            text("SELECT pg_relation_size(CAST(:name AS regclass))"),
            {"name": _index(dimension).name},
        )
    return float(size or 0) / 1e6


def _index(dimension: int):
    name = f"ix_faces_halves_{dimension}"
    return next(index for index in FaceRow.__table__.indexes if index.name == name)


def _copy(
    connection: psycopg.Connection,
    table: str,
    columns: dict[str, str],
    rows: Iterable[Sequence[object]],
) -> None:
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)
