from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from app.domain.training import Training
from app.storage.tables import TrainingRow

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import RowMapping
    from sqlalchemy.orm import Session

_LISTED = [
    getattr(TrainingRow, field.name) for field in fields(Training) if field.name != "weights"
]


class SqlTrainingRepository:
    """See :class:`app.services.ports.TrainingRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, training: Training) -> None:
        values = asdict(training)
        values["subject_ids"] = list(training.subject_ids)
        self._session.execute(insert(TrainingRow).values(values))

    def prune(self, collection_id: UUID, model: str, *, keep: int) -> None:
        old = (
            select(TrainingRow.id)
            .where(TrainingRow.collection_id == collection_id, TrainingRow.model == model)
            .order_by(TrainingRow.version.desc())
            .offset(keep)
        )
        self._session.execute(delete(TrainingRow).where(TrainingRow.id.in_(old)))

    def delete_others(self, collection_id: UUID, model: str) -> None:
        self._session.execute(
            delete(TrainingRow).where(
                TrainingRow.collection_id == collection_id, TrainingRow.model != model
            )
        )

    def next_version(self, collection_id: UUID) -> int:
        newest = select(func.max(TrainingRow.version)).where(
            TrainingRow.collection_id == collection_id
        )
        return (self._session.scalar(newest) or 0) + 1

    def active_id(self, collection_id: UUID, model: str) -> UUID | None:
        return self._session.scalar(
            select(TrainingRow.id)
            .where(TrainingRow.collection_id == collection_id, TrainingRow.model == model)
            .order_by(TrainingRow.version.desc())
            .limit(1)
        )

    def get(self, training_id: UUID) -> Training | None:
        row = self._session.execute(
            select(*_LISTED, TrainingRow.weights).where(TrainingRow.id == training_id)
        ).one_or_none()
        return None if row is None else _training(row._mapping)  # noqa: SLF001

    def page(self, collection_id: UUID, *, limit: int) -> list[Training]:
        rows = self._session.execute(
            select(*_LISTED)
            .where(TrainingRow.collection_id == collection_id)
            .order_by(TrainingRow.version.desc())
            .limit(limit)
        )
        return [_training(row._mapping) for row in rows]  # noqa: SLF001


def _training(values: RowMapping) -> Training:
    return Training(**{**values, "subject_ids": tuple(values["subject_ids"])})
