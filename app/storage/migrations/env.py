"""Run migrations under a lock, with bounded waits."""

from __future__ import annotations

import time

from alembic import context
from sqlalchemy import text

from app.storage.tables import Base
from app.storage.upkeep.patient_ddl import LOCK_TIMEOUT, STATEMENT_TIMEOUT

#: Any number, but always the same one: two processes that migrate at once take turns.
_LOCK = 0x7C15A1
_LOOK_AGAIN_S = 0.2

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_type=True,
    transaction_per_migration=True,
)
connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
# Asked again and again, since whoever waits inside a statement holds up the other one's indexes.
while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
    connection.commit()
    time.sleep(_LOOK_AGAIN_S)
connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
connection.commit()
try:
    with context.begin_transaction():
        context.run_migrations()
finally:
    connection.rollback()
    connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
    connection.commit()
