"""What each type of job is asked for. The names of the fields are the keys in stored jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.domain.consent import ConsentTerms
from app.domain.selection import FacePolicy


class Ranking(StrEnum):
    """What the candidates of a search without a decision are."""

    #: Enrolled faces, so that a subject may come more than once.
    FACES = "faces"
    #: Subjects, each by its nearest face.
    SUBJECTS = "subjects"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobParameters:
    """What a caller says of a job, validated; never images, which are rows of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageParameters(JobParameters):
    """How the faces of a job's images are found."""

    #: The least confidence of a face, 0 to 1; the service's own when absent.
    detection_threshold: float | None = None
    #: Faces of each image that count, the largest first; all when absent.
    max_faces: int | None = None
    #: Whether each image shows one face and nothing else, so that none is looked for.
    cropped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionParameters(ImageParameters):
    """How to find faces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingParameters(ImageParameters):
    """Whose embeddings to return."""

    #: Which face of an image is meant; every face when absent.
    face_policy: FacePolicy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedParameters(ImageParameters):
    """From which cosines on two faces are one person's; -1 to 1."""

    similarity_threshold: float | None = None
    possible_threshold: float | None = None
    #: Whether the answer holds the embedding of each face, where it holds no decision.
    include_embeddings: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationParameters(JudgedParameters):
    """How to compare two images."""

    #: Which face is meant where an image shows several.
    face_policy: FacePolicy = FacePolicy.PROMINENT
    #: Whether to compare with every face of the target, without a decision.
    all_targets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionParameters(JudgedParameters):
    """How to search a collection."""

    #: Candidates of each face; absent, 5 with a decision and 1 without.
    limit: int | None = None
    #: Which face of an image is meant; every face when absent.
    face_policy: FacePolicy | None = None
    #: Asks for what is nearest, without a decision.
    ranking: Ranking | None = None
    #: The one face to compare with, for a ranking of faces.
    face_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentParameters(ImageParameters):
    """Whom the images show."""

    #: The subject's name; the faces stay without one when absent.
    subject: str | None = None
    #: The name of a subject that the faces do not show, instead of ``subject``.
    not_subject: str | None = None
    #: Whether a subject whose name differs in case alone is the one named.
    any_case: bool = False
    #: Which face is meant where an image shows several.
    face_policy: FacePolicy = FacePolicy.PROMINENT
    #: The id that the face gets, for a job of one image.
    face_id: UUID | None = None
    #: The consent that came with the job; see ``ConsentTerms``.
    consent_purpose: str | None = None
    consent_text_version: str | None = None
    consent_expires_at: datetime | None = None
    consent_reference: str | None = None

    @property
    def consent(self) -> ConsentTerms | None:
        """What the subject agrees to, if a consent came with the job."""
        if self.consent_purpose is None or self.consent_text_version is None:
            return None
        return ConsentTerms(
            purpose=self.consent_purpose,
            text_version=self.consent_text_version,
            expires_at=self.consent_expires_at,
            reference=self.consent_reference,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingParameters(JobParameters):
    """A training takes none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembeddingParameters(JobParameters):
    """A change of model takes none: it has a row of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureParameters(JobParameters):
    """A receipt takes none."""
