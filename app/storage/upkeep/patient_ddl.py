"""How migrations run without blocking others on the same tables."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic import op
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A statement that waits for a lock blocks every later one. It gives up after this time, and is
#: tried again.
LOCK_TIMEOUT = "300ms"
STATEMENT_TIMEOUT = "10min"

#: Long enough for those that waited behind the last try; short beside the patience.
AGAIN_S = 0.5
PATIENCE_S = 600.0

#: lock_not_available and deadlock_detected.
_IN_USE = {"55P03", "40P01"}


def is_in_use(error: DBAPIError) -> bool:
    """Return whether another transaction used the table, so that the next try may succeed."""
    return getattr(error.orig, "sqlstate", None) in _IN_USE


def insist(statements: str) -> None:
    """Run statements that Postgres commits together, and try again until they get their locks.

    Call it where each statement is committed by itself, and can be repeated.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            op.get_bind().exec_driver_sql(statements)
        except DBAPIError as error:
            if not is_in_use(error) or time.monotonic() > deadline:
                raise
            time.sleep(AGAIN_S)
        else:
            return


@contextmanager
def unhurried() -> Iterator[None]:
    """End the transaction, and lift the time limits; for statements that block no one.

    What ran before the block is then committed, so it must be repeatable.
    """
    with op.get_context().autocommit_block(), without_limits():
        yield


@contextmanager
def without_limits() -> Iterator[None]:
    """Lift the time limits where each statement is already committed by itself."""
    op.execute("SET statement_timeout = 0")
    op.execute("SET lock_timeout = 0")
    yield
    op.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
    op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")


def build_index(name: str, on: str) -> None:
    """Build an index beside the work; call it within :func:`unhurried`.

    It first drops what an interrupted run has left, which is invalid and would count as done.
    """
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")
