"""1:N without a decision: what is nearest to each face, by the cosine alone."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from app.domain.errors import NotFoundError
from app.services.jobs.complete import Outcome
from app.services.recognition.model_guard import require_model
from app.services.recognition.results import embedded_document, images_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.detection import AnalysedFace, ImageAnalysis
    from app.domain.errors import VultusError
    from app.domain.job import Job
    from app.domain.matching import Candidate
    from app.domain.model import ModelProfile
    from app.services.ports import UnitOfWork
    from app.services.recognition.results import Document


class Ranking(StrEnum):
    """What the candidates of a search are, as the parameter ``ranking`` of a recognition job."""

    #: Enrolled faces, so that a subject may come more than once.
    FACES = "faces"
    #: Subjects, each by its nearest face.
    SUBJECTS = "subjects"


def ranked(
    work: UnitOfWork,
    job: Job,
    images: Sequence[ImageAnalysis | VultusError],
    *,
    model: ModelProfile,
) -> Outcome:
    """Answer a recognition job with the nearest of each face, unrounded and without a decision.

    The job's parameters: ``ranking``, ``limit``, ``face_id`` to compare with that face alone, and
    ``include_embeddings``.
    Raises: VultusError: no image can be used, or the collection has changed its model.
    """
    basis = work.searches.basis(job.collection_id) if job.collection_id else None
    if basis is None:
        raise NotFoundError("the collection was deleted before its faces were searched")
    collection = basis.collection
    require_model(collection, model.id)
    ranking = Ranking(job.parameters["ranking"])
    limit = job.parameters.get("limit") or 1
    stated = job.parameters.get("face_id")
    face_id = None if stated is None else UUID(stated)

    def nearest(face: AnalysedFace) -> list[Candidate]:
        if face.embedding is None:
            raise ValueError("a recognition job analyses its images with embeddings")
        if ranking is Ranking.SUBJECTS:
            return work.faces.nearest_subjects(face.embedding, collection.id, limit=limit)
        return work.faces.nearest_faces(face.embedding, collection.id, limit=limit, face_id=face_id)

    def document(face: AnalysedFace) -> Document:
        wanted = bool(job.parameters.get("include_embeddings"))
        candidates = [
            {
                "subject": one.subject,
                "subject_id": str(one.subject_id),
                "face_id": str(one.face_id),
                "similarity": one.similarity,
            }
            for one in nearest(face)
        ]
        return {**embedded_document(face, wanted=wanted), "candidates": candidates}

    def faces(_: int, image: ImageAnalysis) -> list[Document]:
        return [document(face) for face in image.faces]

    return Outcome(result={"model": collection.model, "images": images_document(images, faces)})
