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

    def get(self, collection_id: UUID) -> ShareReading | None:
        columns = [getattr(ReadingRow, field.name) for field in fields(ShareReading)]
        row = self._session.execute(
            select(*columns).where(ReadingRow.collection_id == collection_id)
        ).one_or_none()
        return None if row is None else ShareReading(**row._mapping)  # noqa: SLF001

    def put(self, collection_id: UUID, reading: ShareReading) -> None:
        values = asdict(reading)
        self._session.execute(
            insert(ReadingRow)
            .values(collection_id=collection_id, **values)
            .on_conflict_do_update(index_elements=["collection_id"], set_=values)
        )
