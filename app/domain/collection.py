"""Collections, their subjects and their faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.matching import Matcher, ShareReading
from app.domain.quality import QualityGate

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.detection import Detection


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A named set of subjects and their faces, with its own model, thresholds and retention."""

    id: UUID
    name: str
    #: The model that it is searched by.
    model: str
    #: The model of the vectors that are kept beside, while the collection changes its model.
    second_model: str | None = None
    matcher: Matcher = Matcher.AUTO
    #: The share of strangers that may be taken for a subject, 0 to 1: what the threshold is set for
    #: wherever no similarity was chosen.
    target_fpir: float = 0.01
    #: Cosine similarity from which a candidate is a match; in place of the threshold above.
    similarity_threshold: float | None = None
    #: Cosine similarity from which a candidate is worth a look; the model's own when absent.
    possible_threshold: float | None = None
    #: Which faces are refused when they are enrolled.
    quality_gate: QualityGate = QualityGate.BASIC
    #: Whether the photographs of enrolled faces are kept, so that they can be shown and embedded
    #: again by another model.
    keep_images: bool = True
    #: Days after which an enrolled face is deleted; never when absent.
    retention_days: int | None = None
    #: Whether a face is enrolled only of a subject with a valid consent.
    require_consent: bool = False
    #: Whether the photographs of recognitions stay with their jobs until these expire.
    keep_probes: bool = False
    #: Hours for which ended jobs are kept; the service's own when absent, and never more than that.
    job_retention_h: int | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchBasis:
    """What the searches in a collection rest on beside its faces, all read at one moment."""

    collection: Collection
    #: How many subjects have faces, counted to one more than prototypes are compared with.
    enrolled: int
    #: The version in use of the trained matcher; absent where nothing was trained.
    training_id: UUID | None
    #: How shares are read, as it was fitted last.
    reading: ShareReading | None
    #: Whether anybody may have been ruled out for a face.
    any_rejections: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A person known to a collection."""

    id: UUID
    collection_id: UUID
    #: Unique within the collection, case included.
    name: str
    face_count: int = 0
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One enrolled face."""

    id: UUID
    collection_id: UUID
    subject_id: UUID | None
    subject: str | None
    #: The subject that it does not show, as a person has said.
    rejected_subject: str | None = None
    detection: Detection
    #: The model that its collection is searched by.
    model: str
    #: The photograph that the face was found in, if the collection keeps it.
    image_id: UUID | None
    created_at: datetime
