"""Train a collection's matcher anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from app.domain.errors import NotEnoughFacesError, NotFoundError
from app.domain.training import Training
from app.services.complete import Outcome
from app.services.identity import new_id
from app.services.models import require_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.domain.job import Job
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory

LabelledVectors: TypeAlias = "Sequence[tuple[UUID, Sequence[float]]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What the fitting of a matcher returns."""

    subject_ids: tuple[UUID, ...]
    #: Safetensors.
    weights: bytes
    metrics: Mapping[str, float]


def training_data(job: Job, model_id: str, *, uow: UnitOfWorkFactory) -> LabelledVectors:
    """Read what a training job learns from.

    Raises: NotFoundError, ModelMismatchError. NotEnoughFacesError: fewer than two subjects have
    faces, so there is nothing to tell apart.
    """
    with uow() as work:
        collection = work.collections.get(job.collection_id) if job.collection_id else None
        if collection is None:
            raise NotFoundError("the collection was deleted before it was trained")
        require_model(collection, model_id)
        faces = work.faces.labelled(collection.id, model_id)
    if len({subject for subject, _ in faces}) < 2:  # noqa: PLR2004 - the least that can be told apart
        raise NotEnoughFacesError
    return faces


def trained(
    work: UnitOfWork, job: Job, fit: Fit, *, model_id: str, face_count: int, clock: Clock
) -> Outcome:
    """Store the new version, which takes over when the transaction commits."""
    if job.collection_id is None:
        raise ValueError("a training job belongs to a collection")
    training = Training(
        id=new_id(),
        collection_id=job.collection_id,
        model=model_id,
        version=work.trainings.next_version(job.collection_id),
        subject_ids=fit.subject_ids,
        face_count=face_count,
        weights=fit.weights,
        metrics=fit.metrics,
        created_at=clock.now(),
    )
    work.trainings.add(training)
    return Outcome(
        result={
            "training_id": str(training.id),
            "version": training.version,
            "model": model_id,
            "subjects": len(fit.subject_ids),
            "faces": face_count,
            "metrics": dict(fit.metrics),
        }
    )
