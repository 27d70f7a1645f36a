"""What the database needs before the service may use it: a role, a database, its tables."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from app.storage.database.tenancy import DatabaseRole
from deploy.local.paths import PROJECT
from deploy.local.stack import DATABASE, ROLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.postgres import PostgresServer


class MigrationError(RuntimeError):
    """The database could not be brought to the tables of this version."""


def make_database(server: PostgresServer, role_password: str) -> None:
    """Make the service's roles, none of them a superuser, and its database, unless they are there.

    The one that logs in cannot create roles, so that those which its processes take are made here.
    """
    admin = server.url("postgres").replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        # A password sent in the clear would stand in the log of a failed statement.
        hashed = connection.pgconn.encrypt_password(
            role_password.encode(), ROLE.encode(), b"scram-sha-256"
        ).decode()
        known_role = "SELECT 1 FROM pg_roles WHERE rolname = %s"
        found = connection.execute(known_role, [ROLE]).fetchone()
        verb = sql.SQL("ALTER ROLE" if found else "CREATE ROLE")
        connection.execute(
            sql.SQL("{} {} LOGIN PASSWORD {}").format(verb, sql.Identifier(ROLE), hashed)
        )
        for group in DatabaseRole:
            if not connection.execute(known_role, [group]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(group)))
            connection.execute(
                sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(ROLE))
            )
        known = "SELECT 1 FROM pg_database WHERE datname = %s"
        if not connection.execute(known, [DATABASE]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(ROLE)
                )
            )
    with psycopg.connect(server.url(DATABASE).replace("+psycopg", "")) as connection:
        # Only a superuser may add it.
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        # For scrubs, which the service does by itself.
        for right in ("pg_checkpoint", "pg_read_all_stats", "EXECUTE ON FUNCTION pg_switch_wal"):
            grant = sql.SQL("GRANT {} TO {}").format(sql.SQL(right), sql.Identifier(ROLE))
            connection.execute(grant)


def migrate(environment: Mapping[str, str]) -> str:
    """Bring the tables to this version; return what the command says of the outcome.

    Raises: MigrationError: with the command's own words.
    """
    command = [sys.executable, "-m", "app.cli", "migrate"]
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MigrationError(f"The migration failed:\n{done.stderr[-3000:]}")
    return done.stdout.strip()
