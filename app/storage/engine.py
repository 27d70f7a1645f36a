"""The connection pool."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine

#: Milliseconds after which Postgres ends what should have ended long ago. A search over a million
#: faces takes some hundred; a lock is held for as long as a commit takes.
_TIMEOUTS = {
    "statement_timeout": 30_000,
    "lock_timeout": 10_000,
    "idle_in_transaction_session_timeout": 60_000,
}


def build_engine(url: str, *, pool_size: int) -> Engine:
    """Return a pool of connections, made as they are needed and checked before each use."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 3,
            "options": " ".join(f"-c {name}={value}" for name, value in _TIMEOUTS.items()),
        },
    )
