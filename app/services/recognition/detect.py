"""What jobs without a collection answer: where faces are, and their embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.selection import meant_faces
from app.services.jobs.complete import Outcome
from app.services.recognition.results import embedded_document, face_document, images_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.detection import ImageAnalysis
    from app.domain.errors import VultusError
    from app.domain.job import Job
    from app.services.recognition.results import Document


def detected(images: Sequence[ImageAnalysis | VultusError]) -> Outcome:
    """Answer a detection job."""

    def faces(_: int, image: ImageAnalysis) -> list[Document]:
        return [face_document(face) for face in image.faces]

    return Outcome(result={"images": images_document(images, faces)})


def embedded(job: Job, images: Sequence[ImageAnalysis | VultusError]) -> Outcome:
    """Answer an embedding job, whose result holds vectors."""
    policy = job.parameters.get("face_policy")

    def faces(_: int, image: ImageAnalysis) -> list[Document]:
        return [embedded_document(face) for face in meant_faces(image, policy)]

    return Outcome(result={"images": images_document(images, faces)})
