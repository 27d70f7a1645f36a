"""A trained version of a collection's matcher."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID


#: Of so many faces, one is held out from every rehearsal.
_HELD_OUT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFace:
    """What is learnt from one enrolled face."""

    id: UUID
    subject_id: UUID
    vector: Sequence[float]
    created_at: datetime

    @property
    def is_held_out(self) -> bool:
        """Whether versions are compared by it: for ever, as its id alone decides."""
        return self.id.int % _HELD_OUT == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What one retrain made; the newest version of a collection is the one in use."""

    id: UUID
    collection_id: UUID
    model: str
    #: 1 for the first, one more for each after it.
    version: int
    #: The classes, in the order of the weights' rows.
    subject_ids: tuple[UUID, ...]
    #: Number of faces that it learned from.
    face_count: int
    #: The classifier in safetensors form; empty in listings.
    weights: bytes = b""
    metrics: Mapping[str, float] = field(default_factory=dict)
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """What a training job learns from, and what it has to be as good as."""

    faces: Sequence[LabelledFace]
    target_fpir: float
    #: The version in use.
    active: Training | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What the fitting of a matcher returns."""

    subject_ids: tuple[UUID, ...]
    face_count: int
    #: Safetensors.
    weights: bytes
    metrics: Mapping[str, float]
    #: The version that names more of the faces held out than this fit does, if the one in use does.
    better: UUID | None = None
