"""The change of a collection's model: its faces embedded again beside the vectors in use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

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
class LeftBehind:
    """Faces without a vector of the new model."""

    count: int
    #: A thousand of them at most.
    face_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """How well a model tells the people of one collection apart, by their own faces.

    A figure is null where there was nothing to find it by.
    """

    model: str
    #: Faces that were searched for: of subjects with at least two.
    searches: int
    #: The part of them whose most similar other face shows the same subject.
    rank1: float | None
    #: The part that also reaches the threshold which the target's part of strangers reaches.
    identified: float | None
    #: That threshold, a cosine.
    threshold: float | None
    genuine_mean: float | None
    impostor_mean: float | None
    #: The distance of both means, in standard deviations.
    separation: float | None
    #: What a face costs to embed; null where the model's weights are not installed.
    ms_per_face: float | None
    bytes_per_face: int
    #: Whether the model's thresholds were fitted to pairs embedded by it.
    thresholds_fitted: bool
    #: Whether a cohort of strangers comes with it.
    knows_strangers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelComparison:
    """Both models of a change on the faces that have a vector of each."""

    compared_faces: int
    compared_subjects: int
    #: The part of strangers' searches that the threshold lets through, 0 to 1.
    target_fpir: float
    former: ModelFigures
    new: ModelFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembeddingReport(ModelComparison):
    """What is known of a change of model once every face has been looked at."""

    faces: int
    embedded: int
    left_behind: LeftBehind


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
    #: Whether faces that cannot be embedded again may be left behind.
    drop_faces_without_photograph: bool = False
    #: What the collection's own thresholds are by the model that is not in use: cosines of two
    #: models do not compare.
    other_similarity_threshold: float | None = None
    other_possible_threshold: float | None = None
    #: The face that was looked at last, in the order of ids.
    cursor: UUID | None = None
    report: ReembeddingReport | None = None
    created_at: datetime
    activated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFace:
    """What an enrolled face is embedded again from."""

    id: UUID
    #: Absent where the face cannot be read; then there is no image either.
    detection: Detection | None
    #: Absent where no photograph was kept.
    image: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleFace:
    """A face with a subject, by both models."""

    subject_id: UUID
    former: Sequence[float]
    new: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledFaces:
    """Some faces that are done when their collection comes to be of one model alone."""

    #: All of them, in order.
    face_ids: Sequence[UUID]
    #: Those of them that have no vector by that model.
    without_vector: Sequence[UUID]
