"""1:N: say who of a collection is in an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import NotFoundError
from app.domain.matching import Decision
from app.domain.selection import FacePolicy, select_face
from app.services.complete import Outcome
from app.services.models import require_model
from app.services.results import face_document, images_document, rounded
from app.services.thresholds import is_explicit, thresholds_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.domain.detection import AnalysedFace, ImageAnalysis
    from app.domain.errors import VultusError
    from app.domain.job import Job
    from app.domain.matching import Candidate, Thresholds
    from app.domain.model import ModelProfile
    from app.services.ports import Classifiers, UnitOfWork
    from app.services.results import Document

_DEFAULT_LIMIT = 5


def identified(
    work: UnitOfWork,
    job: Job,
    images: Sequence[ImageAnalysis | VultusError],
    model: ModelProfile,
    classifiers: Classifiers,
) -> Outcome:
    """Answer a recognition job: for every face the best subjects and a decision.

    Raises: VultusError: no image can be used, or the collection is of another model.
    """
    collection = work.collections.get(job.collection_id) if job.collection_id else None
    if collection is None:
        raise NotFoundError("the collection was deleted before its faces were searched")
    require_model(collection, model.id)
    thresholds = thresholds_for(job.parameters, collection, model)
    limit = job.parameters.get("limit") or _DEFAULT_LIMIT
    policy = job.parameters.get("face_policy")
    # A similarity that somebody chose decides; else a trained classifier knows better.
    training_id = (
        None
        if is_explicit(job.parameters, collection)
        else work.trainings.active_id(collection.id, model.id)
    )
    classifier = None if training_id is None else classifiers.get(work, training_id)

    def document(face: AnalysedFace) -> Document:
        if face.embedding is None:
            raise ValueError("a recognition job analyses its images with embeddings")
        candidates = work.faces.nearest_subjects(face.embedding, collection.id, limit=limit)
        if classifier is None:
            decision = thresholds.decide(candidates[0].similarity if candidates else None)
        else:
            shares = classifier.probabilities(face.embedding)
            candidates.sort(key=lambda candidate: -shares.get(candidate.subject_id, 0))
            decision = _classified(candidates, shares, classifier.threshold, thresholds)
        return {
            **face_document(face),
            "decision": decision,
            "candidates": [
                {
                    "subject": candidate.subject,
                    "subject_id": str(candidate.subject_id),
                    "face_id": str(candidate.face_id),
                    "similarity": rounded(candidate.similarity),
                    "probability": rounded(model.calibration.probability(candidate.similarity)),
                }
                for candidate in candidates
            ],
        }

    def faces(_: int, image: ImageAnalysis) -> list[Document]:
        meant = image.faces if policy is None else (select_face(image, FacePolicy(policy)),)
        return [document(face) for face in meant]

    return Outcome(
        result={
            "model": model.id,
            "similarity_threshold": thresholds.match,
            "possible_threshold": thresholds.possible,
            "training_id": None if training_id is None else str(training_id),
            "images": images_document(images, faces),
        }
    )


def _classified(
    candidates: Sequence[Candidate],
    shares: Mapping[UUID, float],
    threshold: float,
    thresholds: Thresholds,
) -> Decision:
    """Judge the classifier's first choice.

    The cosine stays a floor: a share says which of the enrolled people it would be, not that it is
    one of them.
    """
    if not candidates or candidates[0].similarity < thresholds.possible:
        return Decision.UNKNOWN
    best = shares.get(candidates[0].subject_id, 0)
    return Decision.MATCH if best >= threshold else Decision.POSSIBLE
