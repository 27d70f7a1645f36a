"""1:M: compare the one face of an image with every face of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import NoFaceError, VultusError
from app.domain.job_results import ComparedSource, ComparedTarget, ComparisonResult, ImageSize
from app.domain.matching import cosine
from app.domain.selection import FacePolicy, select_face
from app.services.jobs.complete import Outcome
from app.services.recognition.results import embedding_of, located, wanted_vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.detection import ImageAnalysis
    from app.domain.job_parameters import VerificationParameters


def compared(
    parameters: VerificationParameters, images: Sequence[ImageAnalysis | VultusError]
) -> Outcome:
    """Answer a verification job that has ``all_targets`` set, with unrounded similarities.

    Raises: VultusError: an image cannot be used, the source does not show exactly one face, or the
    target shows none.
    """
    source_image, target_image = (_usable(image) for image in images)
    source = select_face(source_image, FacePolicy.REFUSE)
    if not target_image.faces:
        raise NoFaceError
    probe = embedding_of(source)
    wanted = parameters.include_embeddings
    return Outcome(
        result=ComparisonResult(
            model=probe.model,
            source=ComparedSource(
                **located(source),
                **wanted_vector(source, wanted=wanted),
                width=source_image.width,
                height=source_image.height,
            ),
            target=ImageSize(width=target_image.width, height=target_image.height),
            targets=tuple(
                ComparedTarget(
                    **located(face),
                    **wanted_vector(face, wanted=wanted),
                    similarity=cosine(probe, embedding_of(face)),
                )
                for face in target_image.faces
            ),
        )
    )


def _usable(image: ImageAnalysis | VultusError) -> ImageAnalysis:
    if isinstance(image, VultusError):
        raise image
    return image
