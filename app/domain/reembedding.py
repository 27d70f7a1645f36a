"""The change of a collection's model: its faces embedded anew beside what is there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.domain.detection import Detection


class ReembeddingState(StrEnum):
    """Where a change of model stands."""

    #: Faces are being embedded by the new model; searches go on by the old one.
    EMBEDDING = "embedding"
    #: The same, held by a caller.
    PAUSED = "paused"
    #: Every face has been looked at; the report is there, searches still go by the old model.
    READY = "ready"
    #: Searches go by the new model; the old vectors are kept, so that it can be undone.
    ACTIVE = "active"
    #: The vectors of the model that is not in use are being removed.
    SETTLING = "settling"
    #: The collection is of the new model alone.
    FINISHED = "finished"
    #: The collection is of the old model alone.
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether the change has come to its end."""
        return self in {ReembeddingState.FINISHED, ReembeddingState.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reembedding:
    """One change of one collection's model."""

    id: UUID
    collection_id: UUID
    #: The job that works on it, or that worked on it last.
    job_id: UUID
    #: The model that the collection is to have, and the one that it had.
    model: str
    former_model: str
    state: ReembeddingState
    #: Whether it is switched as soon as it is ready.
    activate: bool = False
    #: Whether faces that cannot be embedded anew may be left behind.
    drop_faces_without_photograph: bool = False
    #: What the collection's own thresholds are by the model that is not in use: cosines of two
    #: models do not compare.
    other_similarity_threshold: float | None = None
    other_possible_threshold: float | None = None
    #: The face that was looked at last, in the order of ids.
    cursor: UUID | None = None
    report: Mapping[str, Any] | None = None
    created_at: datetime
    activated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFace:
    """What an enrolled face is embedded anew from."""

    id: UUID
    detection: Detection
    #: Absent where no photograph was kept.
    image: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleFace:
    """A face with a subject, by both models."""

    subject_id: UUID
    former: Sequence[float]
    new: Sequence[float]
