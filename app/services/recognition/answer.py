"""What a job on images comes to, once the models have seen them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from app.domain.errors import ModelMismatchError, VultusError
from app.domain.job_parameters import (
    DetectionParameters,
    EmbeddingParameters,
    EnrolmentParameters,
    ImageParameters,
    RecognitionParameters,
    VerificationParameters,
)
from app.services.recognition.detect import detected, embedded
from app.services.recognition.enrol import enrolled
from app.services.recognition.identify import identified
from app.services.recognition.verify import verified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.detection import ImageAnalysis
    from app.domain.job import Job
    from app.domain.model import ModelProfile
    from app.services.jobs.complete import Outcome
    from app.services.ports import Classifiers, Clock, StrangerCohort, UnitOfWork


class LoadedModel(Protocol):
    """A model that has embedded the faces."""

    @property
    def profile(self) -> ModelProfile:
        """Its vector space, and how its cosines are read."""

    @property
    def cohort(self) -> StrangerCohort | None:
        """The strangers that come with it, if any do."""


def answered(
    work: UnitOfWork,
    *,
    job: Job,
    images: Sequence[ImageAnalysis | VultusError],
    model: LoadedModel | ModelMismatchError,
    classifiers: Classifiers,
    clock: Clock,
) -> Outcome:
    """Answer a job on images from what was found in each, or why it could not be used.

    ``model`` is the one that the job's collection is searched by, or why it cannot be had.
    Raises: VultusError: the job has failed. ModelChangedError: it has to be run again, since its
    collection has changed its model meanwhile.
    """
    if isinstance(model, ModelMismatchError):
        raise model
    parameters = job.parameters
    if not isinstance(parameters, ImageParameters):
        raise TypeError(f"A job of the type {job.type} has no images.")
    seen = [_admitted(image, parameters) for image in images]
    match parameters:
        case DetectionParameters():
            return detected(seen)
        case EmbeddingParameters():
            return embedded(parameters, seen)
        case VerificationParameters():
            return verified(parameters, seen, model.profile)
        case RecognitionParameters():
            return identified(
                work,
                job.collection_id,
                parameters,
                seen,
                model=model.profile,
                classifiers=classifiers,
                cohort=model.cohort,
            )
        case EnrolmentParameters():
            return enrolled(work, job, parameters, seen, clock)
        case _:
            raise TypeError(f"No function answers a job of the type {job.type}.")


def _admitted(
    image: ImageAnalysis | VultusError, parameters: ImageParameters
) -> ImageAnalysis | VultusError:
    """Drop the faces that the job's own detection threshold or ``max_faces`` excludes."""
    if isinstance(image, VultusError):
        return image
    least = parameters.detection_threshold or 0.0
    faces = tuple(face for face in image.faces if face.detection.confidence >= least)
    return replace(image, faces=faces[: parameters.max_faces])
