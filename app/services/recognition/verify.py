"""1:1: say whether two images show the same person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import VultusError
from app.domain.matching import cosine
from app.domain.selection import FacePolicy, select_face
from app.services.jobs.complete import Outcome
from app.services.recognition.compare import compared
from app.services.recognition.results import face_document, rounded
from app.services.recognition.thresholds import thresholds_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.detection import AnalysedFace, ImageAnalysis
    from app.domain.job import Job
    from app.domain.model import ModelProfile


def verified(
    job: Job, images: Sequence[ImageAnalysis | VultusError], model: ModelProfile
) -> Outcome:
    """Answer a verification job, whose images are the source and the target.

    With the parameter ``all_targets`` it is answered as ``compared`` does.
    Raises: VultusError: one of the images cannot be used or does not show the one face meant.
    """
    if job.parameters.get("all_targets"):
        return compared(job, images)
    policy = FacePolicy(job.parameters.get("face_policy") or FacePolicy.PROMINENT)
    source, target = (_face(image, policy) for image in images)
    if source.embedding is None or target.embedding is None:
        raise ValueError("a verification job analyses its images with embeddings")
    similarity = cosine(source.embedding, target.embedding)
    thresholds = thresholds_for(job.parameters, None, model)
    return Outcome(
        result={
            "model": model.id,
            "decision": thresholds.decide(similarity),
            "similarity": rounded(similarity),
            "probability": rounded(model.calibration.probability(similarity)),
            "similarity_threshold": thresholds.match,
            "possible_threshold": thresholds.possible,
            "source": face_document(source),
            "target": face_document(target),
        }
    )


def _face(image: ImageAnalysis | VultusError, policy: FacePolicy) -> AnalysedFace:
    if isinstance(image, VultusError):
        raise image
    return select_face(image, policy)
