from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import MAX_PAGE_SIZE, Schema

if TYPE_CHECKING:
    from app.domain.training import Training


class TrainingResource(Schema):
    """One trained version of a collection's matcher."""

    id: UUID
    collection_id: UUID
    model: str
    version: int
    active: Annotated[bool, Field(description="Whether recognition uses this version.")]
    subject_count: int
    face_count: int
    metrics: dict[str, float]
    created_at: datetime

    @classmethod
    def of(cls, training: Training, *, active: bool) -> TrainingResource:
        """Show a version."""
        return cls(
            id=training.id,
            collection_id=training.collection_id,
            model=training.model,
            version=training.version,
            active=active,
            subject_count=len(training.subject_ids),
            face_count=training.face_count,
            metrics=dict(training.metrics),
            created_at=training.created_at,
        )


class TrainingQuery(Schema):
    """How many versions to list."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)] = 20


class TrainingList(Schema):
    """Versions, newest first."""

    items: list[TrainingResource]
