"""Fixtures that every kind of test may use: the real servers, one of each for each process."""

from __future__ import annotations

import hypothesis
import pytest
from whole_service import photographs, service  # noqa: F401 - fixtures of the acceptance tests

from app.storage.database.engine import build_engine
from app.storage.unit_of_work import SqlUnitOfWork
from deploy.local.throwaway import throwaway_postgres, throwaway_redis
from tests import (
    command_line,
    databases,
    type_checking,  # noqa: F401 - named by pytest's options, which do not import it
)

pytest_plugins = ["tests.parallel"]

# The same examples in every run, and no limit of time that a busy machine could miss.
hypothesis.settings.register_profile(
    "suite",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser):
    parser.addoption(
        "--tier",
        choices=("small", "fast", "full"),
        default="small",
        help="how large the tests of promises in tests/chaos are",
    )


@pytest.fixture(scope="session")
def database_server(tmp_path_factory):
    """A new Postgres with pgvector; its superuser may make and drop databases."""
    folder = tmp_path_factory.mktemp("postgres") / "server"
    with throwaway_postgres(folder, durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(database_server):
    """The name of a database with this version's tables, which others are copied from."""
    with databases.migrated_template(database_server) as name:
        yield name


@pytest.fixture(scope="session")
def database_url(database_server):
    """The superuser's SQLAlchemy URL of the empty database `postgres`."""
    return database_server.url("postgres")


@pytest.fixture
def migrated_url(database_server, migrated_template):
    """The SQLAlchemy URL of a database of the test's own, with this version's tables."""
    with databases.new_database(database_server, template=migrated_template) as url:
        yield url


@pytest.fixture
def engine(migrated_url):
    engine = build_engine(migrated_url, pool_size=8)
    yield engine
    engine.dispose()


@pytest.fixture
def uow(engine):
    return lambda: SqlUnitOfWork(engine)


@pytest.fixture(scope="session")
def commands():
    """Runs `python -m app.cli`."""
    with command_line.running() as commands:
        yield commands


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """A new Redis with a password and a log of every write."""
    with throwaway_redis(tmp_path_factory.mktemp("redis") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(redis_server):
    return redis_server.url()
