from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.postgresql import insert

from app.domain.collection import SearchBasis
from app.domain.matching import ShareReading
from app.storage.people.collections import collection_of
from app.storage.search.statements import SEARCH_BASIS
from app.storage.tables import ReadingRow

if TYPE_CHECKING:
    from uuid import UUID

    from app.storage.database.tenancy import TenantSession


def _reading(row: Any) -> ShareReading | None:  # noqa: ANN401 - a row with the reading's columns
    if row.subjects is None:
        return None
    return ShareReading(**{field.name: getattr(row, field.name) for field in fields(ShareReading)})


class SqlSearchRepository:
    """See :class:`app.services.ports.SearchRepository`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session
        #: Read in this transaction: the jobs of a batch mostly ask for the same one.
        self._known: dict[UUID, SearchBasis] = {}

    def basis(self, collection_id: UUID) -> SearchBasis | None:
        if collection_id not in self._known:
            row = self._session.execute(
                SEARCH_BASIS, {"collection_id": collection_id}
            ).one_or_none()
            if row is None or not self._session.owns(row):
                return None
            self._known[collection_id] = SearchBasis(
                collection=collection_of(row),
                enrolled=row.enrolled,
                training_id=row.training_id,
                reading=_reading(row),
                any_rejections=row.any_rejections,
            )
        return self._known[collection_id]

    def put_reading(self, collection_id: UUID, reading: ShareReading, *, model: str) -> None:
        self._known.pop(collection_id, None)
        values = {**asdict(reading), "model": model}
        self._session.execute(
            insert(ReadingRow)
            .values(collection_id=collection_id, **values)
            .on_conflict_do_update(index_elements=["collection_id"], set_=values)
        )
