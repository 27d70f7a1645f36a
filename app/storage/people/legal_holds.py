from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, delete, exists, insert, or_, select
from sqlalchemy.exc import IntegrityError

from app.domain.errors import ConflictError
from app.domain.legal_hold import LegalHold
from app.storage.tables import CollectionRow, LegalHoldRow

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


def held(collection_id: Any, subject_id: Any) -> ColumnElement[bool]:  # noqa: ANN401 - columns
    """Hold where a subject, or the collection that it is in, must not be erased."""
    holds = cast("Table", LegalHoldRow.__table__)
    return exists().where(
        holds.c.collection_id == collection_id,
        or_(holds.c.subject_id.is_(None), holds.c.subject_id == subject_id),
    )


def _hold(row: LegalHoldRow) -> LegalHold:
    return LegalHold(**{field.name: getattr(row, field.name) for field in fields(LegalHold)})


class SqlLegalHoldRepository:
    """See :class:`app.services.ports.LegalHoldRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, hold: LegalHold) -> None:
        try:
            self._session.execute(insert(LegalHoldRow).values(asdict(hold)))
        except IntegrityError as error:
            raise ConflictError(
                "It was just put on hold or deleted. Read the current state and decide again."
            ) from error

    def find(self, collection_id: UUID, subject_id: UUID | None) -> LegalHold | None:
        row = self._session.scalar(
            select(LegalHoldRow).where(
                LegalHoldRow.collection_id == collection_id,
                LegalHoldRow.subject_id.is_not_distinct_from(subject_id),
            )
        )
        return None if row is None else _hold(row)

    def within(self, collection_id: UUID) -> list[LegalHold]:
        return self._all(LegalHoldRow.collection_id == collection_id)

    def over(self, collection_id: UUID, subject_id: UUID | None) -> list[LegalHold]:
        return self._all(
            LegalHoldRow.collection_id == collection_id,
            or_(LegalHoldRow.subject_id.is_(None), LegalHoldRow.subject_id == subject_id),
        )

    def _all(self, *which: ColumnElement[bool]) -> list[LegalHold]:
        rows = self._session.scalars(select(LegalHoldRow).where(*which).order_by(LegalHoldRow.id))
        return [_hold(row) for row in rows]

    def is_tenant_held(self, tenant_id: UUID) -> bool:
        query = select(LegalHoldRow.id).join(
            CollectionRow, CollectionRow.id == LegalHoldRow.collection_id
        )
        return self._session.scalar(query.where(CollectionRow.tenant_id == tenant_id)) is not None

    def delete(self, hold_id: UUID) -> None:
        self._session.execute(delete(LegalHoldRow).where(LegalHoldRow.id == hold_id))
