"""What the results of jobs say of images and faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, TypeVar, overload

from app.domain.errors import VultusError
from app.domain.geometry import BoundingBox, FiveLandmarks, Point
from app.domain.job_results import FaceResult, ImageResult, QualityResult
from app.domain.problem import Problem
from app.domain.quality import QualityGate, QualityReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.domain.detection import AnalysedFace, ImageAnalysis
    from app.domain.embedding import Embedding
    from app.domain.quality import FaceQuality

FaceT = TypeVar("FaceT", bound=FaceResult)
ImageT = TypeVar("ImageT", bound=ImageResult)

_DIGITS = 6


class Located(TypedDict):
    """The members of every ``FaceResult``."""

    box: BoundingBox
    detection_confidence: float
    landmarks: FiveLandmarks
    quality: QualityResult


class Vector(TypedDict):
    """The members of a face that is returned with its embedding."""

    model: str
    embedding: tuple[float, ...]


class PerhapsVector(TypedDict):
    """The same of a face that may be returned without."""

    model: str | None
    embedding: tuple[float, ...] | None


def located(face: AnalysedFace) -> Located:
    """Tell where a face is, in pixels of the upright image to a hundredth, and what it is worth."""
    box, marks = face.detection.box, face.detection.landmarks
    return Located(
        box=BoundingBox(
            x_min=round(box.x_min, 2),
            y_min=round(box.y_min, 2),
            x_max=round(box.x_max, 2),
            y_max=round(box.y_max, 2),
        ),
        detection_confidence=rounded(face.detection.confidence),
        landmarks=FiveLandmarks(
            image_left_eye=_place(marks.image_left_eye),
            image_right_eye=_place(marks.image_right_eye),
            nose=_place(marks.nose),
            image_left_mouth=_place(marks.image_left_mouth),
            image_right_mouth=_place(marks.image_right_mouth),
        ),
        quality=_judged(face.quality),
    )


def vector(face: AnalysedFace) -> Vector:
    """Return a face's embedding with its model."""
    probe = embedding_of(face)
    return Vector(model=probe.model, embedding=probe.vector)


def wanted_vector(face: AnalysedFace, *, wanted: bool) -> PerhapsVector:
    """Return a face's embedding with its model, where that is wanted."""
    if not wanted:
        return PerhapsVector(model=None, embedding=None)
    probe = embedding_of(face)
    return PerhapsVector(model=probe.model, embedding=probe.vector)


def embedding_of(face: AnalysedFace) -> Embedding:
    """Return the embedding of a face whose job asked for one."""
    if face.embedding is None:
        raise ValueError("The image was analysed without embeddings.")
    return face.embedding


def image_results(
    kind: Callable[..., ImageT],
    images: Sequence[ImageAnalysis | VultusError],
    faces: Callable[[int, ImageAnalysis], list[FaceT]],
) -> tuple[ImageT, ...]:
    """Return images in the order sent; one that cannot be used carries its ``error``.

    ``kind`` is the type of the images; ``faces`` makes the results of one image's faces, given the
    image's number, and may itself raise a VultusError that concerns only that image.
    Raises: VultusError: the first image's error, when no image could be used.
    """
    results: list[ImageT] = []
    errors: list[VultusError] = []
    for number, image in enumerate(images):
        try:
            if isinstance(image, VultusError):
                raise image
            found = tuple(faces(number, image))
            results.append(
                kind(
                    width=image.width,
                    height=image.height,
                    warnings=image.warnings or None,
                    faces=found,
                )
            )
        except VultusError as error:
            if error.retryable:
                raise
            errors.append(error)
            results.append(kind(error=Problem.of(error), faces=()))
    if errors and len(errors) == len(results):
        raise errors[0]
    return tuple(results)


@overload
def rounded(value: float) -> float: ...
@overload
def rounded(value: float | None) -> float | None: ...
def rounded(value: float | None) -> float | None:
    """Round a similarity or probability to what is worth telling."""
    return None if value is None else round(value, _DIGITS)


def _judged(quality: FaceQuality) -> QualityResult:
    """Tell what was measured, and what of it a strict collection would refuse."""
    return QualityResult(
        size_px=rounded(quality.size_px),
        sharpness=rounded(quality.sharpness),
        turn=rounded(quality.turn),
        brightness=rounded(quality.brightness),
        confidence=rounded(quality.confidence),
        reasons=tuple(
            QualityReason(issue=one.issue, value=rounded(one.value), limit=one.limit)
            for one in QualityGate.STRICT.limits.reasons(quality)
        ),
    )


def _place(point: Point) -> Point:
    return Point(round(point.x, 2), round(point.y, 2))
