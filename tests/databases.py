"""Databases that last as long as a `with` block."""

from __future__ import annotations

from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql

from app.storage.database.engine import build_engine
from app.storage.upkeep.migrate import migrate


@contextmanager
def new_database(server, *, template="template1"):
    """Make a database that no other test knows; give its SQLAlchemy URL, and drop it at the end."""
    name = f"test_{uuid4().hex}"
    with _superuser(server) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    try:
        yield server.url(name)
    finally:
        with _superuser(server) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


@contextmanager
def migrated_template(server):
    """Give the name of a database with this version's tables, for others to be copied from."""
    with new_database(server) as url:
        engine = build_engine(url, pool_size=1)
        migrate(engine)
        engine.dispose()
        yield url.rpartition("/")[2]


def _superuser(server):
    return psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True)
