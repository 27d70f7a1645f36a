"""1:N: say who of a collection is in an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import NotFoundError
from app.domain.job_results import (
    RecognisedCandidate,
    RecognisedFace,
    RecognisedImage,
    RecognitionResult,
)
from app.domain.selection import meant_faces
from app.services.jobs.complete import Outcome
from app.services.recognition.match import prepare_matching
from app.services.recognition.model_guard import require_model
from app.services.recognition.rank import ranked
from app.services.recognition.results import embedding_of, image_results, located, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.domain.detection import AnalysedFace, ImageAnalysis
    from app.domain.errors import VultusError
    from app.domain.job_parameters import RecognitionParameters
    from app.domain.matching import Candidate
    from app.domain.model import ModelProfile
    from app.services.ports import Classifiers, StrangerCohort, UnitOfWork

_DEFAULT_LIMIT = 5


def identified(
    work: UnitOfWork,
    collection_id: UUID | None,
    parameters: RecognitionParameters,
    images: Sequence[ImageAnalysis | VultusError],
    *,
    model: ModelProfile,
    classifiers: Classifiers,
    cohort: StrangerCohort | None,
) -> Outcome:
    """Answer a recognition job: for every face the best subjects and a decision.

    With a ``ranking`` it is answered as ``ranked`` does.
    Raises: VultusError: no image can be used, or the collection has changed its model.
    """
    if parameters.ranking is not None:
        return ranked(work, collection_id, parameters, images, model=model)
    basis = work.searches.basis(collection_id) if collection_id else None
    if basis is None:
        raise NotFoundError("The collection was deleted before its faces were searched.")
    require_model(basis.collection, model.id)
    matching = prepare_matching(
        work, basis, parameters, model=model, classifiers=classifiers, cohort=cohort
    )
    limit = parameters.limit or _DEFAULT_LIMIT

    def recognised(face: AnalysedFace) -> RecognisedFace:
        judgement = matching.judge(work, embedding_of(face), limit=limit)
        return RecognisedFace(
            **located(face),
            decision=judgement.decision,
            margin=rounded(judgement.margin),
            expected_fpir=rounded(judgement.expected_fpir),
            candidates=tuple(_candidate(one) for one in judgement.candidates),
        )

    def faces(_: int, image: ImageAnalysis) -> list[RecognisedFace]:
        return [recognised(face) for face in meant_faces(image, parameters.face_policy)]

    return Outcome(
        result=RecognitionResult(
            model=model.id,
            matcher=matching.matcher,
            score_threshold=rounded(matching.score_threshold),
            similarity_threshold=matching.thresholds.match,
            possible_threshold=matching.thresholds.possible,
            training_id=matching.training_id,
            images=image_results(RecognisedImage, images, faces),
        )
    )


def _candidate(one: Candidate) -> RecognisedCandidate:
    return RecognisedCandidate(
        subject=one.subject,
        subject_id=one.subject_id,
        face_id=one.face_id,
        similarity=rounded(one.similarity),
        score=rounded(one.score),
        probability=rounded(one.probability),
    )
