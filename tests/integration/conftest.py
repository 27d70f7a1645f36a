"""A migrated database of its own for every test, and the services on it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from app.domain.collection import Collection
from app.domain.identity import new_id
from app.storage.database.engine import build_engine
from app.storage.unit_of_work import SqlUnitOfWork
from app.storage.upkeep.migrate import migrate

MODEL = "facenet-msceleb-128"


@pytest.fixture(scope="session")
def template(database_server):
    """The name of a migrated database that others are copied from."""
    name = f"template_{uuid4().hex}"
    _execute(database_server, f'CREATE DATABASE "{name}"')
    engine = build_engine(database_server.url(name), pool_size=1)
    migrate(engine)
    engine.dispose()
    return name


@pytest.fixture
def migrated_url(database_server, template):
    name = f"test_{uuid4().hex}"
    _execute(database_server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield database_server.url(name)
    _execute(database_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def engine(migrated_url):
    engine = build_engine(migrated_url, pool_size=8)
    yield engine
    engine.dispose()


@pytest.fixture
def uow(engine):
    return lambda: SqlUnitOfWork(engine)


@pytest.fixture
def collection(uow):
    collection = Collection(id=new_id(), name="people", model=MODEL, created_at=datetime.now(UTC))
    with uow() as work:
        work.collections.add(collection)
        work.commit()
    return collection


def _execute(server, statement):
    engine = create_engine(server.url("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
