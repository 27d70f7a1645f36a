"""How migrations leave those in peace who work on the same tables."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic import op
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A statement that waits for a lock makes everybody wait who comes after it. It gives up after this
#: time, and is tried again.
LOCK_TIMEOUT = "300ms"
STATEMENT_TIMEOUT = "10min"

#: Long enough for those who waited behind the last try; short beside the patience.
AGAIN_S = 0.5
PATIENCE_S = 600.0

#: lock_not_available and deadlock_detected.
_IN_USE = {"55P03", "40P01"}


def is_in_use(error: DBAPIError) -> bool:
    """Tell whether somebody worked on the table just now, so that the next try may succeed."""
    return getattr(error.orig, "sqlstate", None) in _IN_USE


def insist(statements: str) -> None:
    """Run statements that Postgres commits together, until their locks are to be had.

    To be called where each statement is committed by itself, and can be repeated.
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
    """End the transaction, and let statements take their time; for those that nobody waits for.

    What is done before the block is then committed, so it has to be repeatable.
    """
    with op.get_context().autocommit_block(), without_limits():
        yield


@contextmanager
def without_limits() -> Iterator[None]:
    """Let statements take their time where each is committed by itself already."""
    op.execute("SET statement_timeout = 0")
    op.execute("SET lock_timeout = 0")
    yield
    op.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
    op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")


def build_index(name: str, on: str) -> None:
    """Build an index beside the work; to be called within :func:`unhurried`.

    What an interrupted run has left is not valid, and would be taken for done.
    """
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")
