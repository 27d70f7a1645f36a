from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Page, PageQuery, Schema, SubjectName

if TYPE_CHECKING:
    from app.domain.collection import Subject


class SubjectRequest(Schema):
    """A subject to make, or its new name."""

    name: SubjectName


class SubjectQuery(PageQuery):
    """Which subjects to list."""

    name: Annotated[
        str | None,
        Field(description="Only the subject of exactly this name, or else of its clean form."),
    ] = None
    without_consent: Annotated[bool, Field(description="Only those without a valid consent.")] = (
        False
    )


class SubjectResource(Schema):
    """A person known to a collection."""

    id: UUID
    collection_id: UUID
    name: Annotated[str, Field(examples=["Ann"])]
    face_count: int
    created_at: datetime

    @classmethod
    def of(cls, subject: Subject) -> SubjectResource:
        """Show a subject."""
        return cls(
            id=subject.id,
            collection_id=subject.collection_id,
            name=subject.name,
            face_count=subject.face_count,
            created_at=subject.created_at,
        )


class SubjectPage(Page):
    """Subjects by name."""

    items: list[SubjectResource]
