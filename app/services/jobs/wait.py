"""Wait for a job, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.job import Job
    from app.services.ports import JobBell, UnitOfWorkFactory


def wait_for_job(
    job_id: UUID, *, timeout_s: float, uow: UnitOfWorkFactory, bell: JobBell
) -> Job | None:
    """Return the job as soon as it has ended, or as it is when the time is up.

    ``None`` means that there is no such job. No connection to the database is held meanwhile.
    """

    def read() -> Job | None:
        with uow() as work:
            return work.jobs.get(job_id)

    def ended() -> bool:
        job = read()
        return job is None or job.state.is_terminal

    if timeout_s > 0:
        bell.wait(job_id, timeout_s, ended=ended)
    return read()
