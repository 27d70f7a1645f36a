"""1:1: say whether two images show the same person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.errors import VultusError
from app.domain.job_results import VerificationResult, VerifiedFace
from app.domain.matching import cosine
from app.domain.selection import FacePolicy, select_face
from app.services.jobs.complete import Outcome
from app.services.recognition.compare import compared
from app.services.recognition.results import embedding_of, located, rounded
from app.services.recognition.thresholds import thresholds_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.detection import ImageAnalysis
    from app.domain.embedding import Embedding
    from app.domain.job_parameters import VerificationParameters
    from app.domain.model import ModelProfile


def verified(
    parameters: VerificationParameters,
    images: Sequence[ImageAnalysis | VultusError],
    model: ModelProfile,
) -> Outcome:
    """Answer a verification job, whose images are the source and the target.

    With ``all_targets`` it is answered as ``compared`` does.
    Raises: VultusError: one of the images cannot be used or does not show the one face meant.
    """
    if parameters.all_targets:
        return compared(parameters, images)
    source, target = (_face(image, parameters.face_policy) for image in images)
    similarity = cosine(source.embedding, target.embedding)
    thresholds = thresholds_for(parameters, None, model)
    return Outcome(
        result=VerificationResult(
            model=model.id,
            decision=thresholds.decide(similarity),
            similarity=rounded(similarity),
            probability=rounded(model.calibration.probability(similarity)),
            similarity_threshold=thresholds.match,
            possible_threshold=thresholds.possible,
            source=source.result,
            target=target.result,
        )
    )


@dataclass(frozen=True, slots=True)
class _Face:
    embedding: Embedding
    result: VerifiedFace


def _face(image: ImageAnalysis | VultusError, policy: FacePolicy) -> _Face:
    if isinstance(image, VultusError):
        raise image
    face = select_face(image, policy)
    result = VerifiedFace(**located(face), warnings=image.warnings or None)
    return _Face(embedding_of(face), result)
