"""End jobs that are not tried any more."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from app.domain.errors import AttemptsExhaustedError
from app.domain.problem import Problem
from app.services.webhooks.deliver import enqueue_events

if TYPE_CHECKING:
    from datetime import datetime

    from app.domain.errors import VultusError
    from app.domain.job import Job
    from app.services.ports import UnitOfWork

_LOG = logging.getLogger(__name__)


def end_as_dead(work: UnitOfWork, job: Job, reason: VultusError, *, expires_at: datetime) -> None:
    """End a job as dead, with the reason and with word to its endpoints."""
    error = Problem.of(reason, instance=f"/v1/jobs/{job.id}")
    if work.jobs.bury(job, error=error, expires_at=expires_at):
        _LOG.error("job given up", extra={"action": "job_dead", "job_id": str(job.id)})
        dead = work.jobs.get(job.id)
        if dead is not None:
            enqueue_events(work, [dead])


def attempts_exhausted(job: Job, fault: BaseException | None = None) -> AttemptsExhaustedError:
    """Return why a job is not tried again; without a fault its last process was lost.

    The reason names the fault's kind and not its message, which may hold private data.
    """
    return AttemptsExhaustedError(
        f"The job was tried {job.tries} times and lost its process {job.losses} times. The last "
        f"attempt {_what_happened(fault)}. Requeue it; if it dies again, look at its images."
    )


def _what_happened(fault: BaseException | None) -> str:
    match fault:
        case None:
            return "lost its process"
        case TimeoutError():
            return "took too long"
        case MemoryError():
            return "needed too much memory"
        case _:
            return f"failed with {type(fault).__name__}"
