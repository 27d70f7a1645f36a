"""1:N without a decision: what is nearest to each face, by the cosine alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import NotFoundError
from app.domain.job_parameters import Ranking
from app.domain.job_results import RankedCandidate, RankedFace, RankedImage, RankingResult
from app.services.jobs.complete import Outcome
from app.services.recognition.model_guard import require_model
from app.services.recognition.results import embedding_of, image_results, located, wanted_vector

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.domain.detection import AnalysedFace, ImageAnalysis
    from app.domain.errors import VultusError
    from app.domain.job_parameters import RecognitionParameters
    from app.domain.matching import Candidate
    from app.domain.model import ModelProfile
    from app.services.ports import UnitOfWork

_DEFAULT_LIMIT = 1


def ranked(
    work: UnitOfWork,
    collection_id: UUID | None,
    parameters: RecognitionParameters,
    images: Sequence[ImageAnalysis | VultusError],
    *,
    model: ModelProfile,
) -> Outcome:
    """Answer a recognition job with the nearest of each face, unrounded and without a decision.

    Raises: VultusError: no image can be used, or the collection has changed its model.
    """
    basis = work.searches.basis(collection_id) if collection_id else None
    if basis is None:
        raise NotFoundError("The collection was deleted before its faces were searched.")
    collection = basis.collection
    require_model(collection, model.id)
    limit = parameters.limit or _DEFAULT_LIMIT

    def nearest(face: AnalysedFace) -> list[Candidate]:
        probe = embedding_of(face)
        if parameters.ranking is Ranking.SUBJECTS:
            return work.faces.nearest_subjects(probe, collection.id, limit=limit)
        return work.faces.nearest_faces(
            probe, collection.id, limit=limit, face_id=parameters.face_id
        )

    def faces(_: int, image: ImageAnalysis) -> list[RankedFace]:
        return [
            RankedFace(
                **located(face),
                **wanted_vector(face, wanted=parameters.include_embeddings),
                candidates=tuple(_candidate(one) for one in nearest(face)),
            )
            for face in image.faces
        ]

    return Outcome(
        result=RankingResult(
            model=collection.model, images=image_results(RankedImage, images, faces)
        )
    )


def _candidate(one: Candidate) -> RankedCandidate:
    return RankedCandidate(
        subject=one.subject,
        subject_id=one.subject_id,
        face_id=one.face_id,
        similarity=one.similarity,
    )
