"""1:N: say who of a collection is in an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import NotFoundError
from app.domain.selection import meant_faces
from app.services.jobs.complete import Outcome
from app.services.recognition.match import prepare_matching
from app.services.recognition.model_guard import require_model
from app.services.recognition.rank import ranked
from app.services.recognition.results import face_document, images_document, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.detection import AnalysedFace, ImageAnalysis
    from app.domain.errors import VultusError
    from app.domain.job import Job
    from app.domain.matching import Candidate
    from app.domain.model import ModelProfile
    from app.services.ports import Classifiers, StrangerCohort, UnitOfWork
    from app.services.recognition.results import Document

_DEFAULT_LIMIT = 5


def identified(
    work: UnitOfWork,
    job: Job,
    images: Sequence[ImageAnalysis | VultusError],
    *,
    model: ModelProfile,
    classifiers: Classifiers,
    cohort: StrangerCohort | None,
) -> Outcome:
    """Answer a recognition job: for every face the best subjects and a decision.

    With the parameter ``ranking`` it is answered as ``ranked`` does.
    Raises: VultusError: no image can be used, or the collection has changed its model.
    """
    if job.parameters.get("ranking") is not None:
        return ranked(work, job, images, model=model)
    basis = work.searches.basis(job.collection_id) if job.collection_id else None
    if basis is None:
        raise NotFoundError("the collection was deleted before its faces were searched")
    require_model(basis.collection, model.id)
    matching = prepare_matching(
        work,
        basis,
        job.parameters,
        model=model,
        classifiers=classifiers,
        cohort=cohort,
    )
    limit = job.parameters.get("limit") or _DEFAULT_LIMIT
    policy = job.parameters.get("face_policy")

    def document(face: AnalysedFace) -> Document:
        if face.embedding is None:
            raise ValueError("a recognition job analyses its images with embeddings")
        judgement = matching.judge(work, face.embedding, limit=limit)
        return {
            **face_document(face),
            "decision": judgement.decision,
            "margin": rounded(judgement.margin),
            "expected_fpir": rounded(judgement.expected_fpir),
            "candidates": [_candidate_document(one) for one in judgement.candidates],
        }

    def faces(_: int, image: ImageAnalysis) -> list[Document]:
        return [document(face) for face in meant_faces(image, policy)]

    return Outcome(
        result={
            "model": model.id,
            "matcher": matching.matcher,
            "score_threshold": rounded(matching.score_threshold),
            "similarity_threshold": matching.thresholds.match,
            "possible_threshold": matching.thresholds.possible,
            "training_id": None if matching.training_id is None else str(matching.training_id),
            "images": images_document(images, faces),
        }
    )


def _candidate_document(candidate: Candidate) -> Document:
    return {
        "subject": candidate.subject,
        "subject_id": str(candidate.subject_id),
        "face_id": str(candidate.face_id),
        "similarity": rounded(candidate.similarity),
        "score": rounded(candidate.score),
        "probability": rounded(candidate.probability),
    }
