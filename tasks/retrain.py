"""Training jobs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from app.domain.errors import VultusError
from app.services.jobs.complete import complete_job, fail_job
from app.services.models.training import trained, training_data
from tasks.process.heartbeat import Heartbeat
from tasks.process.persistence import PATIENCE_S, put_back, put_back_uncounted, store
from workers.matching.retraining import fit_anew

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.job import Job
    from app.services.jobs.complete import Outcome
    from app.services.ports import UnitOfWork
    from tasks.runtime import Runtime


def run_training_job(job_id: UUID, runtime: Runtime) -> None:
    """Fit the classifier of the job's collection; searches use the old one until it is stored."""
    uow = runtime.container.uow
    with uow() as work:
        claim = work.jobs.claim_named(job_id, worker=runtime.name, lease=runtime.lease)
        work.commit()
    if claim is None:
        return
    job, _ = claim
    with Heartbeat([job], lease=runtime.lease, uow=uow):
        try:
            _train(job, runtime)
        except SystemExit:
            put_back_uncounted(job, runtime.container)
            raise
        except Exception as fault:
            put_back(job, runtime.container, runtime.rules, fault=fault)
            # Not as it is: a MemoryError that a task raises ends the whole worker.
            raise RuntimeError("training failed") from fault


def _train(job: Job, runtime: Runtime) -> None:
    container = runtime.container
    try:
        model = runtime.models.get(job.models[0]) if job.models else runtime.models.main
        data = training_data(job, model.id, uow=container.uow)
        strangers = model.strangers()
    except VultusError as error:
        if error.retryable:
            raise
        fail_job(
            job,
            error,
            retention=runtime.retention,
            uow=container.uow,
            queue=container.queue,
            clock=container.clock,
        )
        return
    fit = fit_anew(data, strangers)

    def conclude(work: UnitOfWork) -> Outcome:
        return trained(work, job, fit, model_id=model.id, clock=container.clock)

    store(
        lambda: complete_job(
            job,
            conclude,
            retention=runtime.retention,
            uow=container.uow,
            queue=container.queue,
            clock=container.clock,
        ),
        deadline=time.monotonic() + PATIENCE_S,
    )
