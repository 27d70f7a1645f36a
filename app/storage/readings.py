from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.domain.matching import ShareReading
from app.storage.tables import ReadingRow

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session


class SqlReadingRepository:
    """See :class:`app.services.ports.ReadingRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        #: Read or stored in this transaction: the jobs of a batch mostly ask for the same one.
        self._known: dict[UUID, ShareReading] = {}

    def get(self, collection_id: UUID) -> ShareReading | None:
        if collection_id in self._known:
            return self._known[collection_id]
        columns = [getattr(ReadingRow, field.name) for field in fields(ShareReading)]
        row = self._session.execute(
            select(*columns).where(ReadingRow.collection_id == collection_id)
        ).one_or_none()
        if row is None:
            return None
        return self._known.setdefault(collection_id, ShareReading(**row._mapping))  # noqa: SLF001

    def put(self, collection_id: UUID, reading: ShareReading) -> None:
        self._known[collection_id] = reading
        values = asdict(reading)
        self._session.execute(
            insert(ReadingRow)
            .values(collection_id=collection_id, **values)
            .on_conflict_do_update(index_elements=["collection_id"], set_=values)
        )
