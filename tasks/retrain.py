"""Training jobs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from app.domain.errors import VultusError
from app.services.models.training import trained, training_data
from tasks.process.heartbeat import Heartbeat
from tasks.process.persistence import PATIENCE_S, excuse, retry, store
from workers.matching.retraining import fit_anew

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.job import Job
    from app.services.jobs.complete import Outcome
    from app.services.ports import UnitOfWork
    from tasks.runtime import Runtime


def run_training_job(job_id: UUID, runtime: Runtime) -> None:
    """Fit the classifier of the job's collection; searches use the old one until it is stored."""
    desk = runtime.container.desk
    job = desk.claim_named(job_id, worker=runtime.name, lease=runtime.lease)
    if job is None:
        return
    with Heartbeat([job], lease=runtime.lease, uow=desk.uow):
        try:
            _train(job, runtime)
        except SystemExit:
            excuse(job, desk)
            raise
        except Exception as fault:
            retry(job, desk, fault=fault)
            # Not as it is: a MemoryError that a task raises ends the whole worker.
            raise RuntimeError("The training failed.") from fault


def _train(job: Job, runtime: Runtime) -> None:
    desk = runtime.container.desk
    try:
        model = runtime.models.get(job.models[0]) if job.models else runtime.models.main
        data = training_data(job, model.id, uow=desk.uow)
        strangers = model.strangers()
    except VultusError as error:
        if error.retryable:
            raise
        desk.fail(job, error)
        return
    fit = fit_anew(data, strangers)

    def conclude(work: UnitOfWork) -> Outcome:
        return trained(work, job, fit, model_id=model.id, clock=desk.clock)

    store(lambda: desk.complete(job, conclude), deadline=time.monotonic() + PATIENCE_S)
