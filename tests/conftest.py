"""Fixtures that every kind of test may use: the real servers, one of each per session."""

from __future__ import annotations

import pytest
from whole_service import photographs, service  # noqa: F401 - fixtures of the acceptance tests

from deploy.local.throwaway import throwaway_postgres, throwaway_redis
from tests import type_checking  # noqa: F401 - named by pytest's options, which do not import it


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
    with throwaway_postgres(tmp_path_factory.mktemp("postgres") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def database_url(database_server):
    """The superuser's SQLAlchemy URL of the empty database `postgres`."""
    return database_server.url("postgres")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """A new Redis with a password and a log of every write."""
    with throwaway_redis(tmp_path_factory.mktemp("redis") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(redis_server):
    return redis_server.url()
