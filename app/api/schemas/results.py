"""What each type of job answers.

A stored result goes out as it is: these schemas describe it, and do not read it again. A member
with a default is left out while it has no value.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, TypeAlias
from uuid import UUID

from pydantic import Field
from pydantic_core import core_schema

from app.api.schemas.base import Absent, Moment, Probability, Schema, Similarity
from app.api.schemas.faces import BoxResource, LandmarksResource
from app.api.schemas.problems import ProblemResource
from app.domain.detection import ImageWarning
from app.domain.erasure import Erased
from app.domain.matching import Decision, Matcher
from app.domain.quality import QualityIssue
from app.domain.reembedding import ReembeddingState

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

#: Not bounded: where nothing is rounded, that of a face with itself may be 1.0000001.
_COSINE = "The cosine with that face, -1 to 1 but for the last digits."


class DescribedAs:
    """Describes a member that holds a stored document, or nothing, by schemas of such documents."""

    def __init__(self, *schemas: type[Schema]) -> None:
        self._described = reduce(or_, schemas) | None

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=handler.generate_schema(self._described),
            python_schema=handler(source),
            serialization=core_schema.simple_ser_schema("any"),
        )


class QualityReason(Schema):
    """One thing that is wrong with a face: the value found and the limit that it breaks."""

    issue: QualityIssue
    value: float
    limit: float


class QualityResult(Schema):
    """What was measured of a face, and what of it a strict collection would refuse."""

    size_px: Annotated[float, Field(description="Shorter side of its box in pixels.")]
    sharpness: Annotated[float, Field(description="Near 0 where the face is blurred.")]
    turn: Annotated[float, Field(description="0 looks straight ahead.")]
    brightness: Annotated[float, Field(ge=0, le=255)]
    confidence: Probability
    reasons: list[QualityReason]


_Warnings: TypeAlias = Annotated[
    list[ImageWarning] | Absent,
    Field(description="What to know of an image that was used all the same."),
]


class FaceResult(Schema):
    """Where a face is, in pixels of the upright image, and how fit it is for recognition."""

    box: BoxResource
    detection_confidence: Annotated[
        Probability, Field(description="The detector's own probability that this is a face.")
    ]
    landmarks: LandmarksResource
    quality: QualityResult


class _Image(Schema):
    width: Annotated[
        int | Absent,
        Field(description="Pixels of the upright image; absent with an error."),
    ] = None
    height: Annotated[
        int | Absent,
        Field(description="Pixels of the upright image; absent with an error."),
    ] = None
    error: Annotated[
        ProblemResource | Absent,
        Field(description="Why the image could not be used; it then has no faces."),
    ] = None
    warnings: _Warnings = None


class ImageResult(_Image):
    """One image, in the order sent: its size and its faces, or why it could not be used."""

    faces: list[FaceResult]


class DetectionResult(Schema):
    """Where faces are."""

    images: list[ImageResult]


class EmbeddedFace(FaceResult):
    """A face with its embedding."""

    model: Annotated[str, Field(description="Embeddings of different models cannot be compared.")]
    embedding: Annotated[list[float], Field(description="A vector of the length 1.")]


class EmbeddedImage(_Image):
    """One image with the embeddings of its faces."""

    faces: list[EmbeddedFace]


class EmbeddingResult(Schema):
    """The embeddings of faces."""

    images: list[EmbeddedImage]


class VerifiedFace(FaceResult):
    """The one face of an image."""

    warnings: _Warnings = None


class VerificationResult(Schema):
    """Whether two images show one person."""

    model: str
    decision: Decision
    similarity: Annotated[Similarity, Field(description="The cosine of both faces.")]
    probability: Annotated[
        Probability, Field(description="The probability that both show one person.")
    ]
    similarity_threshold: Annotated[
        Similarity, Field(description="The cosine from which the decision is match.")
    ]
    possible_threshold: Annotated[
        Similarity, Field(description="The cosine from which the decision is possible.")
    ]
    source: VerifiedFace
    target: VerifiedFace


class PerhapsEmbeddedFace(FaceResult):
    """A face, with its embedding where the job was to include it."""

    model: str | Absent = None
    embedding: list[float] | Absent = None


class ImageSize(Schema):
    """Pixels of an upright image."""

    width: int
    height: int


class ComparedSource(PerhapsEmbeddedFace):
    """The one face of the source, beside the size of its image."""

    width: int
    height: int


class ComparedTarget(PerhapsEmbeddedFace):
    """A face of the target, and its cosine with the source's."""

    similarity: Annotated[float, Field(description=_COSINE)]


class ComparisonResult(Schema):
    """How like the face of the source every face of the target is, as CompreFace's API asks."""

    model: str
    source: ComparedSource
    target: ImageSize
    targets: list[ComparedTarget]


class RankedCandidate(Schema):
    """A subject that a face may show, by one of its own faces."""

    subject: Annotated[str, Field(examples=["Ann"])]
    subject_id: UUID
    face_id: UUID
    similarity: Annotated[float, Field(description=_COSINE)]


class RecognisedCandidate(RankedCandidate):
    """A subject that a face may show, by its most similar face."""

    score: Annotated[
        float,
        Field(description="What the matcher ranks by: a share of 0 to 1, or the similarity again."),
    ]
    probability: Annotated[
        Probability | None, Field(description="The probability that the face shows the subject.")
    ]


class RecognisedFace(FaceResult):
    """A face, and who of the collection it shows."""

    decision: Decision
    margin: Annotated[
        float | None,
        Field(
            description="How far the first candidate's score lies above the second's; null "
            "without candidates."
        ),
    ]
    expected_fpir: Annotated[
        float | None,
        Field(
            description="The part of strangers' searches expected to reach the first candidate's "
            "score; null where the matcher knows nothing of strangers."
        ),
    ]
    candidates: Annotated[list[RecognisedCandidate], Field(description="Best first.")]


class RecognisedImage(_Image):
    """One image, and who is in it."""

    faces: list[RecognisedFace]


class RecognitionResult(Schema):
    """Who of a collection is in the images, and by which rules that was decided."""

    model: str
    matcher: Matcher
    score_threshold: Annotated[
        float | None,
        Field(
            description="The score from which the first candidate is a match; null where the "
            "similarity decides."
        ),
    ]
    similarity_threshold: Similarity
    possible_threshold: Similarity
    training_id: Annotated[
        UUID | None, Field(description="The training that scored; null for the other matchers.")
    ]
    images: list[RecognisedImage]


class RankedFace(PerhapsEmbeddedFace):
    """A face, and what is nearest to it."""

    candidates: Annotated[list[RankedCandidate], Field(description="Nearest first.")]


class RankedImage(_Image):
    """One image, and what is nearest to its faces."""

    faces: list[RankedFace]


class RankingResult(Schema):
    """What is nearest to each face, without a decision, as CompreFace's API asks."""

    model: str
    images: list[RankedImage]


class EnrolledFace(FaceResult):
    """A face that was stored."""

    face_id: UUID
    subject: Annotated[
        str | None, Field(description="Null for a face without a subject.", examples=["Ann"])
    ]
    not_subject: Annotated[
        str | Absent, Field(description="The subject that the face does not show.")
    ] = None


class EnrolledImage(_Image):
    """One image, and the face of it that was stored."""

    faces: list[EnrolledFace]


class EnrolmentResult(Schema):
    """Which faces were stored, and for whom."""

    model: str
    subject: Annotated[str | None, Field(examples=["Ann"])]
    face_ids: Annotated[
        list[UUID], Field(description="Of the images that could be used, in their order.")
    ]
    images: list[EnrolledImage]


class TrainingResult(Schema):
    """The version that is in use after a training."""

    accepted: Annotated[bool, Field(description="Whether it is the new one.")]
    reason: Annotated[str | None, Field(description="Why it is not.")]
    training_id: UUID
    version: int
    model: str
    subjects: Annotated[int, Field(description="Subjects that the new fit learned from.")]
    faces: Annotated[int, Field(description="Faces that the new fit learned from.")]
    metrics: dict[str, float]


class LeftBehind(Schema):
    """Faces without a vector of the new model."""

    count: int
    face_ids: Annotated[list[UUID], Field(description="The first thousand.")]


class ModelFigures(Schema):
    """How well and how fast a model tells the people of one collection apart."""

    model: str
    searches: Annotated[int, Field(description="Faces that were searched for.")]
    rank1: Annotated[
        float | None, Field(description="The part of the searches that found the person first.")
    ]
    identified: Annotated[
        float | None, Field(description="The part that found the person above the threshold.")
    ]
    threshold: Annotated[
        float | None,
        Field(description="The cosine that a part target_fpir of strangers' searches reaches."),
    ]
    genuine_mean: float | None
    impostor_mean: float | None
    separation: Annotated[
        float | None, Field(description="The distance of both means in standard deviations.")
    ]
    ms_per_face: Annotated[float | None, Field(description="Of the network alone.")]
    bytes_per_face: Annotated[int, Field(description="Of the vector.")]
    thresholds_fitted: Annotated[
        bool, Field(description="Whether its thresholds and probabilities were fitted to it.")
    ]
    knows_strangers: Annotated[
        bool, Field(description="Whether a cohort of strangers comes with it.")
    ]


class ReembeddingReport(Schema):
    """Both models of a change on the collection's own people."""

    faces: int
    embedded: int
    left_behind: LeftBehind
    compared_faces: int
    compared_subjects: int
    target_fpir: float
    former: ModelFigures
    new: ModelFigures


class ReembeddingResult(ReembeddingReport):
    """The report of a change of model, and where the change stands."""

    state: ReembeddingState


class SettlingResult(Schema):
    """The one model that a collection has after a change of model has ended."""

    state: ReembeddingState
    model: str


class ErasureReceipt(Schema):
    """What was erased, in ids and numbers: a receipt names no person."""

    erased: Erased
    ids: list[UUID]
    stores: Annotated[dict[str, int], Field(description="Rows that went from each store.")]
    hold_nobody: Annotated[
        list[str], Field(description="Stores that hold nothing of a person but ids.")
    ]
    bytes_gone_by: Annotated[
        Moment, Field(description="When the bytes are out of the files at the latest.")
    ]
    bytes_gone_at: Annotated[Moment | None, Field(description="When they were; null until then.")]
