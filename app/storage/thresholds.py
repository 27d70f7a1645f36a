from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.domain.matching import FittedThreshold
from app.storage.tables import ThresholdRow

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from app.domain.matching import Matcher


class SqlThresholdRepository:
    """See :class:`app.services.ports.ThresholdRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, collection_id: UUID, matcher: Matcher) -> FittedThreshold | None:
        columns = [getattr(ThresholdRow, field.name) for field in fields(FittedThreshold)]
        row = self._session.execute(
            select(*columns).where(
                ThresholdRow.collection_id == collection_id, ThresholdRow.matcher == matcher
            )
        ).one_or_none()
        return None if row is None else FittedThreshold(**row._mapping)  # noqa: SLF001

    def put(self, collection_id: UUID, matcher: Matcher, fitted: FittedThreshold) -> None:
        values = asdict(fitted)
        self._session.execute(
            insert(ThresholdRow)
            .values(collection_id=collection_id, matcher=matcher, **values)
            .on_conflict_do_update(index_elements=["collection_id", "matcher"], set_=values)
        )
