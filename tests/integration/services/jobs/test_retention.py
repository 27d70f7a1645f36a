"""What is not to be kept goes by itself, on time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import caller, job_rules
from sqlalchemy import text

from app.domain.errors import NoFaceError
from app.domain.job import JobState, JobType
from app.services.jobs.complete import Outcome
from app.services.people.collections import update_collection
from tests.made_results import RESULT_OF

RULES = job_rules(retention=timedelta(hours=72))
WITH_IMAGES = sorted(kind for kind in JobType if kind.is_on_images)


@pytest.fixture
def set_up(uow, collection, clock):
    """Change settings of the collection."""
    return lambda **changes: update_collection(
        str(collection.id), changes, caller=caller(), uow=uow, clock=clock
    )


@pytest.fixture
def stored(engine):
    """Return a function that counts the rows of a table."""

    def count(table):
        with engine.connect() as connection:
            return connection.scalar(text(f"SELECT count(*) FROM {table}"))

    return count


@pytest.fixture
def rules():
    return RULES


@pytest.fixture
def ends(claimed, submitted, desk):
    """Every way in which a job can end, each a function of its type that returns the job."""

    def succeed(kind):
        claim = claimed(kind)
        desk.complete(claim, lambda _: Outcome(result=RESULT_OF[kind]))
        return claim

    def succeed_in_a_batch(kind):
        claim = claimed(kind)
        desk.complete_together([(claim, lambda _: Outcome(result=RESULT_OF[kind]))])
        return claim

    def fail(kind):
        claim = claimed(kind)
        desk.fail(claim, NoFaceError())
        return claim

    def be_cancelled(kind, job=None):
        job = job or submitted(kind)
        desk.cancel(job.id)
        return job

    def be_cancelled_while_it_runs(kind):
        return be_cancelled(kind, claimed(kind))

    return [succeed, succeed_in_a_batch, fail, be_cancelled, be_cancelled_while_it_runs]


def _die(job, uow, run_sweep):
    for _ in range(RULES.max_losses):
        with uow() as work:
            assert work.jobs.claim_named(job.id, worker="test", lease=timedelta(seconds=-1))
            work.commit()
        run_sweep()
    with uow() as work:
        assert work.jobs.get(job.id).state is JobState.DEAD


@pytest.mark.parametrize("kind", WITH_IMAGES)
def test_no_photograph_outlives_the_end_of_its_job(ends, stored, kind):
    for end in ends:
        end(kind)
        assert stored("images") == 0, end.__name__
    assert stored("jobs") == len(ends)


@pytest.mark.parametrize("kind", WITH_IMAGES)
def test_the_photographs_of_a_dead_job_go_with_it_or_with_its_next_end(
    submitted, desk, uow, run_sweep, stored, clock, kind
):
    """Dead is no end: its owner may requeue it, which needs them."""
    first, second = submitted(kind), submitted(kind)
    for job in (first, second):
        _die(job, uow, run_sweep)
    assert stored("images") == 2
    with uow() as work:
        assert work.jobs.probe(first.id, 0) is None
        assert work.jobs.requeue(first.id, publish_at=clock.now())
        work.commit()
    desk.cancel(first.id)
    assert stored("images") == 1
    clock.moment += RULES.retention + timedelta(seconds=1)
    run_sweep()
    assert (stored("images"), stored("jobs")) == (0, 0)


def test_faces_and_their_photographs_go_when_their_days_are_over(
    enrol, people, set_up, clock, run_sweep, stored
):
    set_up(retention_days=30)
    enrol("Ann", people[0], people[0])
    set_up(retention_days=None)
    enrol("Bob", people[1])
    clock.moment += timedelta(days=30, seconds=-1)
    run_sweep()
    assert (stored("faces"), stored("images")) == (3, 3)
    clock.moment += timedelta(seconds=1)
    run_sweep()
    assert (stored("faces"), stored("images")) == (1, 1)


def test_results_go_at_the_services_time_or_earlier_where_the_collection_says_so(
    ends, set_up, uow, clock, run_sweep, stored
):
    assert _lives(ends, uow) == {RULES.retention}
    set_up(job_retention_h=2)
    assert _lives(ends, uow) == {timedelta(hours=2)}
    set_up(job_retention_h=9999)
    assert _lives(ends, uow) == {RULES.retention}
    clock.moment += timedelta(hours=2, minutes=1)
    run_sweep()
    assert stored("jobs") == 2 * len(ends)
    clock.moment += RULES.retention
    run_sweep()
    assert stored("jobs") == 0


def _lives(ends, uow):
    """End a job in every way; return for how long, to the minute, they are kept."""
    jobs = [end(JobType.RECOGNITION) for end in ends]
    with uow() as work:
        ended = [work.jobs.get(job.id) for job in jobs]
    minutes = {round((job.expires_at - job.finished_at).total_seconds() / 60) for job in ended}
    return {timedelta(minutes=one) for one in minutes}


def test_a_dead_job_goes_at_its_collections_time_too(submitted, set_up, uow, run_sweep):
    set_up(job_retention_h=1)
    job = submitted(JobType.RECOGNITION)
    _die(job, uow, run_sweep)
    with uow() as work:
        dead = work.jobs.get(job.id)
    assert dead.expires_at - dead.finished_at == timedelta(hours=1)


def test_probes_stay_with_their_job_where_the_collection_keeps_them(
    claimed, desk, set_up, uow, clock, run_sweep, stored
):
    set_up(keep_probes=True)
    jobs = [claimed(JobType.RECOGNITION, images=2) for _ in range(3)]
    outcome = Outcome(result=RESULT_OF[JobType.RECOGNITION])
    desk.complete(jobs[0], lambda _: outcome)
    desk.complete_together([(jobs[1], lambda _: outcome)])
    desk.fail(jobs[2], NoFaceError())
    with uow() as work:
        kept = [work.jobs.probe(job.id, number) for job in jobs for number in range(3)]
    assert kept == [b"photograph", b"photograph", None] * 3
    clock.moment += RULES.retention + timedelta(seconds=1)
    run_sweep()
    assert (stored("jobs"), stored("images")) == (0, 0)


def test_only_the_probes_of_recognitions_that_ended_are_kept(ends, claimed, set_up, stored, uow):
    set_up(keep_probes=True)
    for kind in sorted(set(WITH_IMAGES) - {JobType.RECOGNITION}):
        for end in ends:
            end(kind)
    for end in ends[-2:]:
        end(JobType.RECOGNITION)
    assert stored("images") == 0
    running = claimed(JobType.RECOGNITION)
    with uow() as work:
        assert work.jobs.probe(running.id, 0) is None


def test_kept_probes_go_when_the_collection_keeps_them_no_more(
    claimed, enrol, people, desk, set_up, stored
):
    set_up(keep_probes=True)
    enrol("Ann", people[0])
    outcome = Outcome(result=RESULT_OF[JobType.RECOGNITION])
    desk.complete(claimed(JobType.RECOGNITION), lambda _: outcome)
    claimed(JobType.RECOGNITION)
    assert stored("images") == 3
    set_up(keep_probes=False)
    assert stored("images") == 2
