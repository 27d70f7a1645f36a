"""The result documents of jobs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

from app.domain.errors import VultusError
from app.domain.quality import QualityGate
from app.services.jobs.problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.domain.detection import AnalysedFace, ImageAnalysis
    from app.domain.quality import FaceQuality

Document: TypeAlias = dict[str, Any]

_DIGITS = 6


def face_document(face: AnalysedFace) -> Document:
    """Tell where a face is, in pixels of the upright image to a hundredth, and what it is worth."""
    box, marks = face.detection.box, face.detection.landmarks
    return {
        "box": {
            "x_min": round(box.x_min, 2),
            "y_min": round(box.y_min, 2),
            "x_max": round(box.x_max, 2),
            "y_max": round(box.y_max, 2),
        },
        "detection_confidence": round(face.detection.confidence, _DIGITS),
        "landmarks": {
            name: [round(point.x, 2), round(point.y, 2)]
            for name, point in (
                ("image_left_eye", marks.image_left_eye),
                ("image_right_eye", marks.image_right_eye),
                ("nose", marks.nose),
                ("image_left_mouth", marks.image_left_mouth),
                ("image_right_mouth", marks.image_right_mouth),
            )
        },
        "quality": _quality_document(face.quality),
    }


def _quality_document(quality: FaceQuality) -> Document:
    """Tell what was measured, and what of it a strict collection would refuse."""
    return {
        **{name: rounded(value) for name, value in asdict(quality).items()},
        "reasons": [
            {"issue": one.issue, "value": rounded(one.value), "limit": one.limit}
            for one in QualityGate.STRICT.limits.reasons(quality)
        ],
    }


def embedded_document(face: AnalysedFace, *, wanted: bool = True) -> Document:
    """Tell where a face is and, where that is wanted, its embedding."""
    if not wanted:
        return face_document(face)
    if face.embedding is None:
        raise ValueError("the image was analysed without embeddings")
    return {
        **face_document(face),
        "model": face.embedding.model,
        "embedding": list(face.embedding.vector),
    }


def images_document(
    images: Sequence[ImageAnalysis | VultusError],
    faces: Callable[[int, ImageAnalysis], list[Document]],
) -> list[Document]:
    """Render images in the order sent; an image that cannot be used carries its ``error``.

    ``faces`` makes the documents of one image's faces, given the image's number, and may itself
    raise a VultusError that concerns only that image.
    Raises: VultusError: the first image's error, when no image could be used.
    """
    documents: list[Document] = []
    errors: list[VultusError] = []
    for number, image in enumerate(images):
        try:
            if isinstance(image, VultusError):
                raise image
            documents.append(
                {"width": image.width, "height": image.height, "faces": faces(number, image)}
            )
        except VultusError as error:
            if error.retryable:
                raise
            errors.append(error)
            documents.append({"error": problem(error), "faces": []})
    if errors and len(errors) == len(documents):
        raise errors[0]
    return documents


def rounded(value: float | None) -> float | None:
    """Round a similarity or probability to what is worth telling."""
    return None if value is None else round(value, _DIGITS)
