"""What each type of job answers. The names of the fields are the keys that callers read.

A field without a default is always there, and null where it is ``None``; one with a default is left
out while it has that value. Numbers are rounded where the results are built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.detection import ImageWarning
from app.domain.erasure import Erased
from app.domain.geometry import BoundingBox, FiveLandmarks
from app.domain.matching import Decision, Matcher
from app.domain.problem import Problem
from app.domain.quality import FaceQuality, QualityReason
from app.domain.reembedding import ReembeddingReport, ReembeddingState


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What a job has come to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityResult(FaceQuality):
    """What was measured of a face, and what of it a strict collection would refuse."""

    reasons: tuple[QualityReason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceResult:
    """Where a face is, in pixels of the upright image, and how fit it is for recognition."""

    box: BoundingBox
    #: The detector's own probability that this is a face, 0 to 1.
    detection_confidence: float
    landmarks: FiveLandmarks
    quality: QualityResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResult:
    """One image, in the order sent: its size and its faces, or why it could not be used."""

    #: Pixels of the upright image; absent with an error.
    width: int | None = None
    height: int | None = None
    error: Problem | None = None
    #: What to know of an image that was used all the same; absent where there is nothing.
    warnings: tuple[ImageWarning, ...] | None = None
    #: Empty with an error.
    faces: tuple[FaceResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionResult(JobResult):
    """Where faces are."""

    images: tuple[ImageResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedFace(FaceResult):
    """A face with its embedding."""

    #: The model that made the embedding; with another's it cannot be compared.
    model: str
    #: L2-normalised.
    embedding: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedImage(ImageResult):
    """One image with the embeddings of its faces."""

    faces: tuple[EmbeddedFace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingResult(JobResult):
    """The embeddings of faces."""

    images: tuple[EmbeddedImage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedFace(FaceResult):
    """The one face of an image."""

    #: Of the image, as in ``ImageResult``.
    warnings: tuple[ImageWarning, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationResult(JobResult):
    """Whether two images show one person."""

    model: str
    decision: Decision
    #: The cosine of both faces, -1 to 1.
    similarity: float
    #: The probability that both show one person, 0 to 1.
    probability: float
    #: The cosines from which the decision is match, or possible.
    similarity_threshold: float
    possible_threshold: float
    source: VerifiedFace
    target: VerifiedFace


@dataclass(frozen=True, slots=True, kw_only=True)
class PerhapsEmbeddedFace(FaceResult):
    """A face, with its embedding where the job was to include it."""

    model: str | None = None
    embedding: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSize:
    """Pixels of an upright image."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedSource(PerhapsEmbeddedFace):
    """The one face of the source, beside the size of its image."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedTarget(PerhapsEmbeddedFace):
    """A face of the target, and its cosine with the source's, -1 to 1."""

    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonResult(JobResult):
    """How like the source's face each of the target is: a verification of all targets."""

    model: str
    source: ComparedSource
    target: ImageSize
    targets: tuple[ComparedTarget, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedCandidate:
    """A subject that a face may show, by one of its own faces."""

    subject: str
    subject_id: UUID
    face_id: UUID
    #: Cosine with that face, -1 to 1.
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedCandidate(RankedCandidate):
    """A subject that a face may show, by its most similar face."""

    #: What the matcher ranks by: a share of 0 to 1, or the similarity again.
    score: float
    #: The probability that the face shows the subject, 0 to 1.
    probability: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedFace(FaceResult):
    """A face, and who of the collection it shows."""

    decision: Decision
    #: How far the first candidate's score lies above the second's; null without candidates.
    margin: float | None
    #: The part of strangers' searches expected to reach the first candidate's score, 0 to 1; null
    #: where the matcher knows nothing of strangers.
    expected_fpir: float | None
    #: Best first.
    candidates: tuple[RecognisedCandidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedImage(ImageResult):
    """One image, and who is in it."""

    faces: tuple[RecognisedFace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionResult(JobResult):
    """Who of a collection is in the images, and by which rules that was decided."""

    model: str
    matcher: Matcher
    #: The score from which the first candidate is a match; null where the similarity decides.
    score_threshold: float | None
    #: The cosines from which a candidate may be a match, or is possible.
    similarity_threshold: float
    possible_threshold: float
    #: The training that scored; null for the other matchers.
    training_id: UUID | None
    images: tuple[RecognisedImage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedFace(PerhapsEmbeddedFace):
    """A face, and what is nearest to it."""

    #: Nearest first.
    candidates: tuple[RankedCandidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedImage(ImageResult):
    """One image, and what is nearest to its faces."""

    faces: tuple[RankedFace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingResult(JobResult):
    """What is nearest to each face, unrounded and without a decision: a recognition by ranking."""

    model: str
    images: tuple[RankedImage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledFace(FaceResult):
    """A face that was stored."""

    face_id: UUID
    #: The name of the subject; null for a face without one.
    subject: str | None
    #: The name of the subject that the face does not show.
    not_subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledImage(ImageResult):
    """One image, and the face of it that was stored."""

    faces: tuple[EnrolledFace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentResult(JobResult):
    """Which faces were stored, and for whom."""

    model: str
    subject: str | None
    #: Those of the images that could be used, in their order.
    face_ids: tuple[UUID, ...]
    images: tuple[EnrolledImage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult(JobResult):
    """The version that is in use after a training."""

    #: Whether it is the new one.
    accepted: bool
    #: Why not.
    reason: str | None
    training_id: UUID
    version: int
    model: str
    #: What the new fit learned from.
    subjects: int
    faces: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembeddingResult(JobResult, ReembeddingReport):
    """The report of a change of model, and where the change stands."""

    state: ReembeddingState


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlingResult(JobResult):
    """The one model that a collection has after a change of model has ended."""

    state: ReembeddingState
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReceipt(JobResult):
    """What was erased, in ids and numbers: a receipt names no person."""

    erased: Erased
    ids: tuple[UUID, ...]
    #: Rows that went from each store.
    stores: Mapping[str, int]
    #: Stores that hold nothing of a person but ids.
    hold_nobody: tuple[str, ...]
    #: When the bytes are out of the files at the latest, and when that was seen to be so.
    bytes_gone_by: datetime
    bytes_gone_at: datetime | None
