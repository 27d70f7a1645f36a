from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.backlog import Lane
from app.domain.identity import new_id
from app.domain.job import Job, JobState, Progress
from app.domain.job_parameters import DetectionParameters, TrainingParameters
from app.storage.database.engine import build_engine
from app.storage.database.tenancy import DatabaseRole
from app.storage.unit_of_work import SqlUnitOfWork

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def of_tenant(migrated_url):
    """Return units of work of the web process for a tenant."""
    engine = build_engine(migrated_url, pool_size=2, role=DatabaseRole.WEB)
    yield lambda tenant_id: lambda: SqlUnitOfWork(engine, tenant_id)
    engine.dispose()


def _submit(uow, images, *, age=timedelta(), lane=Lane.BULK):
    job = Job(
        id=new_id(),
        parameters=DetectionParameters() if images else TrainingParameters(),
        state=JobState.QUEUED,
        lane=lane,
        progress=Progress(total=images),
        created_at=NOW - age,
    )
    with uow() as work:
        work.jobs.add(job, images=[b"image"] * images, publish_at=NOW)
        work.commit()
    return job


def test_a_tenant_sees_its_own_backlog_and_of_others_no_more_than_their_sum(of_tenant):
    ours, theirs = of_tenant(new_id()), of_tenant(new_id())
    _submit(ours, 3)
    _submit(theirs, 5, age=timedelta(minutes=5))
    _submit(theirs, 0)
    _submit(theirs, 7, lane=Lane.INTERACTIVE)
    with ours() as work:
        own, whole = work.backlog.of_tenant(Lane.BULK), work.backlog.in_all(Lane.BULK)
        other = work.backlog.in_all(Lane.INTERACTIVE)
    assert (own.images, own.oldest_at) == (3, NOW)
    assert (whole.images, whole.oldest_at) == (9, NOW - timedelta(minutes=5))
    assert other.images == 7


def test_what_runs_or_has_ended_does_not_wait(of_tenant, uow):
    ours = of_tenant(new_id())
    done, _ = _submit(ours, 1), _submit(ours, 1)
    with uow() as work:
        work.jobs.claim_named(done.id, worker="test", lease=timedelta(minutes=1))
        work.commit()
    with ours() as work:
        assert work.backlog.of_tenant(Lane.BULK).images == 1
        assert work.backlog.in_all(Lane.BULK).images == 1


def test_nothing_waits_in_an_empty_queue(of_tenant):
    with of_tenant(new_id())() as work:
        for backlog in (work.backlog.of_tenant(Lane.BULK), work.backlog.in_all(Lane.BULK)):
            assert (backlog.images, backlog.oldest_at) == (0, None)


def test_turns_are_given_across_tenants_whom_the_web_process_cannot_see(of_tenant, uow):
    ours, theirs = of_tenant(new_id()), of_tenant(new_id())
    jobs = [_submit(theirs, 4), _submit(theirs, 4), _submit(ours, 1), _submit(theirs, 1)]
    with ours() as work:
        assert work.jobs.get(jobs[0].id) is None
    turns = []
    for _ in jobs:
        with uow() as work:
            claims = work.jobs.claim(None, worker="test", lease=timedelta(minutes=1), companions=0)
            work.commit()
        turns += [job.id for job, _ in claims]
    assert turns == [jobs[0].id, jobs[2].id, jobs[1].id, jobs[3].id]
