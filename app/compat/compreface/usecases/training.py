"""Start, watch and stop the training of a service's matcher; one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.compat.compreface.usecases.examples import collection_id_of
from app.domain.errors import ConflictError, NotEnoughFacesError
from app.domain.job import JobState, JobType
from app.domain.job_parameters import TrainingParameters
from app.domain.job_request import JobRequest

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.compreface import Service
    from app.services.jobs.desk import JobDesk
    from app.services.ports import UnitOfWorkFactory

_LEAST_FACES = 2


def running_training(service: Service, *, uow: UnitOfWorkFactory) -> UUID | None:
    """Return the id of the training job that has not ended, or ``None``."""
    with uow() as work:
        jobs = work.jobs.page(
            owner_id=service.id,
            states=[JobState.QUEUED, JobState.RUNNING],
            types=[JobType.TRAINING],
            before=None,
            limit=1,
        )
    return jobs[0].id if jobs else None


def is_trained(service: Service, *, uow: UnitOfWorkFactory) -> bool:
    """Whether there is a trained matcher for the model of the service's collection."""
    with uow() as work:
        collection = work.collections.get(collection_id_of(service))
        return (
            collection is not None
            and work.trainings.active_id(collection.id, collection.model) is not None
        )


def start_training(service: Service, *, desk: JobDesk) -> None:
    """Submit a training job.

    Raises: ConflictError: one has not ended. NotEnoughFacesError: fewer than two examples.
    """
    if running_training(service, uow=desk.uow) is not None:
        raise ConflictError("A training has not ended yet. Wait for its end.")
    with desk.uow() as work:
        examples = work.faces.count(collection_id_of(service), subject_id=None)
    if examples < _LEAST_FACES:
        raise NotEnoughFacesError
    desk.submit(
        JobRequest(
            parameters=TrainingParameters(),
            owner_id=service.id,
            collection_id=service.collection_id,
        ),
        route="service training",
    )


def stop_training(service: Service, *, desk: JobDesk) -> None:
    """Cancel the training job that has not ended, if there is one."""
    job_id = running_training(service, uow=desk.uow)
    if job_id is not None:
        desk.cancel(job_id)
