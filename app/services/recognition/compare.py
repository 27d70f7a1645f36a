"""1:M: compare the one face of an image with every face of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import NoFaceError, VultusError
from app.domain.matching import cosine
from app.domain.selection import FacePolicy, select_face
from app.services.jobs.complete import Outcome
from app.services.recognition.results import embedded_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.detection import AnalysedFace, ImageAnalysis
    from app.domain.job import Job
    from app.services.recognition.results import Document


def compared(job: Job, images: Sequence[ImageAnalysis | VultusError]) -> Outcome:
    """Answer a verification job that has ``all_targets`` set, with unrounded similarities.

    Raises: VultusError: an image cannot be used, the source does not show exactly one face, or the
    target shows none.
    """
    source_image, target_image = (_usable(image) for image in images)
    source = select_face(source_image, FacePolicy.REFUSE)
    if not target_image.faces:
        raise NoFaceError
    wanted = bool(job.parameters.get("include_embeddings"))

    def matched(face: AnalysedFace) -> Document:
        if source.embedding is None or face.embedding is None:
            raise ValueError("a verification job analyses its images with embeddings")
        return {
            **embedded_document(face, wanted=wanted),
            "similarity": cosine(source.embedding, face.embedding),
        }

    return Outcome(
        result={
            "model": source.embedding.model if source.embedding else None,
            "source": {**_size(source_image), **embedded_document(source, wanted=wanted)},
            "target": _size(target_image),
            "targets": [matched(face) for face in target_image.faces],
        }
    )


def _usable(image: ImageAnalysis | VultusError) -> ImageAnalysis:
    if isinstance(image, VultusError):
        raise image
    return image


def _size(image: ImageAnalysis) -> Document:
    return {"width": image.width, "height": image.height}
