"""Moments as they are read: what lies outside Python's years comes as the nearest that does not.

Postgres stores years up to 294276, BC, and infinities. None of these comes in by a door of the
service any more, but one row of an older version, or written by hand, must not keep a statement
from being read that touches it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import DataError, adapters
from psycopg.adapt import Loader
from psycopg.pq import Format

from app.domain.moment import FIRST, LAST

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import Connection
    from psycopg.abc import AdaptContext, Buffer

_TYPE = "timestamptz"
_EARLY = (b"-", b"BC")


class _TextLoader(Loader):
    """Reads what the driver's own loader refuses too."""

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        own = adapters.get_loader(adapters.types[_TYPE].oid, Format.TEXT)
        if own is None:
            raise LookupError(f"The driver cannot read {_TYPE}.")
        self._own = own(oid, context)

    def load(self, data: Buffer) -> datetime:
        try:
            moment: datetime = self._own.load(data)
        except DataError:
            text = bytes(data)
            return FIRST if text.startswith(_EARLY[0]) or text.endswith(_EARLY[1]) else LAST
        return moment


def read_any_moment(connection: Connection[Any]) -> None:
    """Let a connection read every moment that Postgres can store; it has to be set to UTC."""
    connection.adapters.register_loader(_TYPE, _TextLoader)
