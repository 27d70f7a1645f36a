from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.storage.database import engine as engine_module
from app.storage.database.engine import build_engine


@pytest.fixture
def pool(migrated_url):
    engine = build_engine(migrated_url, pool_size=1)
    yield engine
    engine.dispose()


def _cut(pool, engine):
    """End the pool's only connection from outside, as a restarting server would."""
    with pool.connect() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
    with engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_connection_that_was_lost_while_it_rested_is_replaced(pool, engine, monkeypatch):
    monkeypatch.setattr(engine_module, "_TRUSTED_FOR_S", 0)
    _cut(pool, engine)
    with pool.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_connection_that_is_lost_in_use_fails_once(pool, engine, monkeypatch):
    monkeypatch.setattr(engine_module, "_TRUSTED_FOR_S", 3600)
    _cut(pool, engine)
    with pytest.raises(OperationalError), pool.connect() as connection:
        connection.scalar(text("SELECT 1"))
    with pool.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
