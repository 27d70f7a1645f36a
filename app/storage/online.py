"""How migrations leave those in peace who work on the same tables."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A statement that waits for a lock makes everybody wait who comes after it. It gives up after this
#: time, and the migration is tried again.
LOCK_TIMEOUT = "300ms"
STATEMENT_TIMEOUT = "10min"


@contextmanager
def unhurried() -> Iterator[None]:
    """End the transaction, and let statements take their time; for those that nobody waits for.

    What is done before the block is then committed, so it has to be repeatable.
    """
    with op.get_context().autocommit_block():
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
