"""What the calls that take images have in common: their parameters and what they see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypedDict, TypeVar

from app.compat.compreface.errors import models_failed, no_face
from app.compat.compreface.parameters import Parameters, detection_threshold
from app.compat.compreface.similarity import SimilarityCurve, load_curves
from app.compat.compreface.translate import AnswerOptions
from app.domain.job_results import FaceResult, ImageSize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.job import Job

F_co = TypeVar("F_co", bound=FaceResult, covariant=True)

#: What CompreFace's default build starts from; its detector is an MTCNN too.
DETECTION_THRESHOLD = 0.85


class Sought(TypedDict):
    """Which faces of an image count, as members of ``ImageParameters``."""

    detection_threshold: float
    max_faces: int | None
    cropped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The parameters that every call with images takes."""

    options: AnswerOptions
    #: Faces to answer for, largest first; all when absent.
    limit: int | None
    #: The least confidence of a face.
    threshold: float

    @classmethod
    def read(cls, parameters: Parameters, *, rounded: bool = True, croppable: bool = False) -> Call:
        """Read them. Raises: CompreFaceError."""
        cropped = croppable and not parameters.flag("detect_faces", default=True)
        return cls(
            options=AnswerOptions(
                plugins=parameters.plugins(),
                status=parameters.flag("status", default=False),
                cropped=cropped,
                rounded=rounded,
            ),
            limit=parameters.whole("limit", 0, least=0, label="Limit") or None,
            threshold=detection_threshold(parameters, default=DETECTION_THRESHOLD),
        )

    @property
    def sought(self) -> Sought:
        """Which faces count."""
        return Sought(
            detection_threshold=self.threshold,
            max_faces=self.limit,
            cropped=self.options.cropped,
        )


class Image(Protocol[F_co]):
    """An image of a result."""

    @property
    def width(self) -> int | None:
        """Pixels; absent with an error."""

    @property
    def height(self) -> int | None:
        """Pixels; absent with an error."""

    @property
    def faces(self) -> tuple[F_co, ...]:
        """Empty with an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[F_co]):
    """The faces of an image, at least one."""

    faces: tuple[F_co, ...]
    size: ImageSize
    #: The milliseconds spent on one face.
    face_ms: float


def seen(images: Sequence[Image[F_co]], job: Job) -> Seen[F_co]:
    """Return what a job has seen in its one image. Raises: CompreFaceError: no face."""
    [image] = images
    if image.width is None or image.height is None or not image.faces:
        raise no_face()
    return Seen(
        faces=image.faces,
        size=ImageSize(width=image.width, height=image.height),
        face_ms=duration_of(job) / len(image.faces),
    )


def duration_of(job: Job) -> float:
    """Return the milliseconds that a worker has spent on a job."""
    if job.started_at is None or job.finished_at is None:
        return 0.0
    return (job.finished_at - job.started_at).total_seconds() * 1000


def curve_of(model: str) -> SimilarityCurve:
    """Return the curve of a model. Raises: CompreFaceError: it has none."""
    curve = load_curves().get(model)
    if curve is None:
        raise models_failed("the model has no similarity curve")
    return curve
