"""Jobs that are written straight to the database, and claims of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.domain.backlog import Lane
from app.domain.identity import new_id
from app.domain.job import PARAMETERS, Job, JobState, JobType, Progress

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)


def submit(uow, *, images=(b"one",), job_type=JobType.DETECTION, lane=Lane.BULK):
    """Store a waiting job."""
    job = Job(
        id=new_id(),
        parameters=PARAMETERS[job_type](),
        state=JobState.QUEUED,
        lane=lane,
        progress=Progress(total=len(images)),
        created_at=datetime.now(UTC),
    )
    with uow() as work:
        work.jobs.add(job, images=images, publish_at=NOW)
        work.commit()
    return job


def claim_jobs(uow, job=None, companions=0, lease=LEASE, *, bulk=False):
    """Take the job, or the next ones, as a worker does."""
    with uow() as work:
        claims = work.jobs.claim(
            job and job.id, worker="test", lease=lease, companions=companions, bulk=bulk
        )
        work.commit()
    return claims
