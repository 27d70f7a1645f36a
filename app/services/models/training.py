"""Train a collection's matcher anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import ConflictError, NotEnoughFacesError, NotFoundError
from app.domain.identity import new_id
from app.domain.job_results import TrainingResult
from app.domain.training import Training, TrainingData
from app.services.jobs.complete import Outcome
from app.services.recognition.model_guard import require_model

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.job import Job
    from app.domain.training import Fit
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory

#: Versions of a collection that are kept, the one in use among them.
_KEPT = 5


def training_data(job: Job, model_id: str, *, uow: UnitOfWorkFactory) -> TrainingData:
    """Read what a training job needs.

    Raises: NotFoundError, ModelMismatchError. NotEnoughFacesError: fewer than two subjects have
    faces, so there is nothing to tell apart.
    """
    with uow() as work:
        collection = work.collections.get(job.collection_id) if job.collection_id else None
        if collection is None:
            raise NotFoundError("The collection was deleted before it was trained.")
        require_model(collection, model_id)
        faces = work.faces.labelled(collection.id, model_id)
        active_id = work.trainings.active_id(collection.id, model_id)
        active = work.trainings.get(active_id) if active_id is not None else None
    if len({face.subject_id for face in faces}) < 2:  # noqa: PLR2004 - the least that can be told apart
        raise NotEnoughFacesError
    return TrainingData(faces=faces, target_fpir=collection.target_fpir, active=active)


def trained(work: UnitOfWork, job: Job, fit: Fit, *, model_id: str, clock: Clock) -> Outcome:
    """Store the new version, which takes over when the transaction commits, unless it is worse.

    Raises: ConflictError: somebody whom the fit knows was removed meanwhile.
    """
    if job.collection_id is None:
        raise ValueError("A training job needs a collection.")
    work.collections.lock(job.collection_id)  # before its subjects, as an erasure does
    if not work.subjects.lock_enrolled(job.collection_id).issuperset(fit.subject_ids):
        raise ConflictError(
            "A subject was removed while the collection was trained. Train it again."
        )
    active_id = work.trainings.active_id(job.collection_id, model_id)
    if fit.better is not None and fit.better == active_id:
        return _rejected(work, fit, active_id)
    training = Training(
        id=new_id(),
        collection_id=job.collection_id,
        model=model_id,
        version=work.trainings.next_version(job.collection_id),
        subject_ids=fit.subject_ids,
        face_count=fit.face_count,
        weights=fit.weights,
        metrics=fit.metrics,
        created_at=clock.now(),
    )
    work.trainings.add(training)
    work.trainings.prune(job.collection_id, model_id, keep=_KEPT)
    return Outcome(result=_result(training, fit, refused=None))


def _rejected(work: UnitOfWork, fit: Fit, active_id: UUID) -> Outcome:
    active = work.trainings.get(active_id)
    if active is None:
        raise ConflictError("The version in use was removed meanwhile. Train the collection again.")
    reason = (
        f"Version {active.version} identifies more of the faces held out than the new fit, so it "
        "stays in use. Check whether faces enrolled or changed since then show another person."
    )
    return Outcome(result=_result(active, fit, refused=reason))


def _result(used: Training, fit: Fit, *, refused: str | None) -> TrainingResult:
    return TrainingResult(
        accepted=refused is None,
        reason=refused,
        training_id=used.id,
        version=used.version,
        model=used.model,
        subjects=len(fit.subject_ids),
        faces=fit.face_count,
        metrics=fit.metrics,
    )
