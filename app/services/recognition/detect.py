"""What jobs without a collection answer: where faces are, and their embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.job_results import (
    DetectionResult,
    EmbeddedFace,
    EmbeddedImage,
    EmbeddingResult,
    FaceResult,
    ImageResult,
)
from app.domain.selection import meant_faces
from app.services.jobs.complete import Outcome
from app.services.recognition.results import image_results, located, vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.detection import ImageAnalysis
    from app.domain.errors import VultusError
    from app.domain.job_parameters import EmbeddingParameters


def detected(images: Sequence[ImageAnalysis | VultusError]) -> Outcome:
    """Answer a detection job."""

    def faces(_: int, image: ImageAnalysis) -> list[FaceResult]:
        return [FaceResult(**located(face)) for face in image.faces]

    return Outcome(result=DetectionResult(images=image_results(ImageResult, images, faces)))


def embedded(
    parameters: EmbeddingParameters, images: Sequence[ImageAnalysis | VultusError]
) -> Outcome:
    """Answer an embedding job, whose result holds vectors."""

    def faces(_: int, image: ImageAnalysis) -> list[EmbeddedFace]:
        return [
            EmbeddedFace(**located(face), **vector(face))
            for face in meant_faces(image, parameters.face_policy)
        ]

    return Outcome(result=EmbeddingResult(images=image_results(EmbeddedImage, images, faces)))
