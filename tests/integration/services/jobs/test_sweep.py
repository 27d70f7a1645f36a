from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
import redis
from celery import Celery
from factories import job_rules

from app.domain.errors import ServiceUnavailableError
from app.domain.identity import new_id
from app.domain.job import JobState
from app.domain.job_parameters import DetectionParameters
from app.domain.job_request import JobRequest
from app.messaging.celery import configure
from app.messaging.queue import CeleryJobQueue
from app.services.jobs.outages import Outages
from app.services.jobs.sweep import sweep

RULES = job_rules()


@pytest.fixture
def submit(desk):
    def run(**more):
        request = JobRequest(parameters=DetectionParameters(), owner_id=new_id(), images=[b"image"])
        return desk.submit(request, route="/v1/detections", **more).job

    return run


def _claim(uow, job, lease):
    with uow() as work:
        claim, _ = work.jobs.claim_named(job.id, worker="test", lease=lease)
        work.commit()
    return claim


def test_a_job_is_accepted_while_the_broker_is_down_and_put_once_it_is_back(
    submit, run_sweep, queue, clock
):
    queue.down = True
    job = submit()
    queue.down = False
    run_sweep()
    assert queue.jobs == []
    clock.moment += timedelta(seconds=11)
    run_sweep()
    assert queue.jobs == [(job.id, job.type)]


def test_a_backlog_gets_no_more_messages_however_long_it_waits(
    submit, desk, receipts, uow, clock, redis_server
):
    """Each brings a worker to all of it; a tried job is taken by its own message alone."""
    fresh = [submit() for _ in range(60)]
    tried = [submit() for _ in range(2)]
    for job in tried:
        _claim(uow, job, timedelta(seconds=-1))
    with (
        redis.Redis.from_url(redis_server.url()) as broker,
        configure(Celery(set_as_current=False), redis_server.url()) as celery,
    ):
        broker.flushdb()
        for _ in range(4):
            clock.moment += timedelta(minutes=2)
            sweep(replace(desk, queue=CeleryJobQueue(celery)), receipts)
        messages = [json.loads(one) for one in broker.lrange("vultus:inference", 0, -1)]
        broker.flushdb()
    put = Counter(json.loads(base64.b64decode(one["body"]))[0][0] for one in messages)
    assert put.total() < len(fresh)
    assert {put[str(job.id)] for job in tried} == {4}


def test_a_job_whose_worker_died_is_put_again_at_once(submit, run_sweep, queue, uow, clock):
    job = submit()
    _claim(uow, job, timedelta(seconds=-1))
    run_sweep()
    assert queue.jobs == [(job.id, job.type)] * 2


def test_a_job_that_kills_every_worker_ends_as_dead_with_a_reason(submit, run_sweep, uow, clock):
    job = submit()
    for _ in range(3):
        _claim(uow, job, timedelta(seconds=-1))
        run_sweep()
    with uow() as work:
        dead = work.jobs.get(job.id)
    assert (dead.state, dead.losses) == (JobState.DEAD, 3)
    assert dead.error.type == "/problems/attempts-exhausted"


def test_a_fault_that_stays_ends_the_job_after_the_last_attempt(submit, desk, uow):
    job = submit()
    for _ in range(RULES.max_attempts):
        claim = _claim(uow, job, timedelta(seconds=30))
        desk.retry(claim, fault=MemoryError())
    with uow() as work:
        dead = work.jobs.get(job.id)
    assert dead.state is JobState.DEAD
    assert "needed too much memory" in dead.error.detail


def test_a_job_that_has_waited_too_long_ends_unrun_and_may_be_requeued(
    submit, run_sweep, uow, clock
):
    job = submit()
    clock.moment += RULES.longest_wait - timedelta(seconds=1)
    run_sweep()
    with uow() as work:
        assert work.jobs.get(job.id).state is JobState.QUEUED
    clock.moment += timedelta(seconds=2)
    run_sweep()
    with uow() as work:
        dead = work.jobs.get(job.id)
        assert (dead.state, dead.attempt, dead.started_at) == (JobState.DEAD, 0, None)
        assert dead.error.type == "/problems/waited-too-long"
        assert work.jobs.requeue(job.id, publish_at=clock.now())
        work.commit()
    clock.moment -= RULES.longest_wait  # the requeue is stamped by the database, with the real time
    run_sweep()
    assert _claim(uow, job, timedelta(seconds=30)).attempt == 1


def test_a_job_that_runs_has_not_waited_too_long(submit, run_sweep, uow, clock):
    job = submit()
    _claim(uow, job, timedelta(days=2))
    clock.moment += RULES.longest_wait * 1.5
    run_sweep()
    with uow() as work:
        assert work.jobs.get(job.id).state is JobState.RUNNING


def test_a_requeued_job_has_all_its_attempts_again(submit, desk, uow, clock):
    job = submit()
    for _ in range(RULES.max_attempts):
        claim = _claim(uow, job, timedelta(seconds=30))
        desk.retry(claim, fault=ValueError())
    with uow() as work:
        assert work.jobs.requeue(job.id, publish_at=clock.now())
        work.commit()
    again = _claim(uow, job, timedelta(seconds=30))
    assert (again.attempt, again.tries) == (RULES.max_attempts + 1, 1)
    desk.retry(again, fault=ValueError())
    with uow() as work:
        assert work.jobs.get(job.id).state is JobState.QUEUED


def test_an_attempt_that_a_stopping_worker_hands_back_does_not_count(
    submit, desk, run_sweep, queue, uow
):
    job = submit()
    desk.excuse(_claim(uow, job, timedelta(seconds=30)))
    run_sweep()
    assert queue.jobs == [(job.id, job.type)] * 2
    again = _claim(uow, job, timedelta(seconds=30))
    assert (again.attempt, again.tries) == (2, 1)


def test_a_finished_job_is_deleted_when_its_time_has_passed(submit, run_sweep, uow, queue, clock):
    job = submit()
    with uow() as work:
        work.jobs.cancel(job.id, expires_at=clock.now() + RULES.retention)
        work.commit()
    run_sweep()
    with uow() as work:
        assert work.jobs.get(job.id) is not None
    clock.moment += RULES.retention
    run_sweep()
    with uow() as work:
        assert work.jobs.get(job.id) is None


class _Away:
    """A database that takes nothing."""

    def __enter__(self):
        raise ServiceUnavailableError

    def __exit__(self, *_):
        """Change nothing."""


class _Monotonic:
    now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def monotonic():
    return _Monotonic()


@pytest.fixture
def outages(monotonic, desk, receipts):
    """What a sweep remembers that has just met an outage."""
    outages = Outages(monotonic)
    with pytest.raises(ServiceUnavailableError):
        sweep(replace(desk, uow=_Away), receipts, outages=outages)
    return outages


def test_after_an_outage_a_job_stays_with_its_worker_for_a_while(submit, outages, run_sweep, uow):
    job = submit()
    claim = _claim(uow, job, timedelta(seconds=-1))
    run_sweep(outages=outages)
    with uow() as work:
        assert work.jobs.extend([claim], timedelta(seconds=30)) == {job.id}


def test_a_lease_that_passed_in_an_outage_costs_neither_an_attempt_nor_a_loss(
    submit, outages, monotonic, run_sweep, uow
):
    job = submit()
    _claim(uow, job, timedelta(seconds=-20))
    monotonic.now += 10
    run_sweep(outages=outages)
    with uow() as work:
        again = work.jobs.get(job.id)
    assert (again.state, again.losses, again.tries) == (JobState.QUEUED, 0, 0)


def test_a_lease_that_passes_after_an_outage_counts(submit, outages, monotonic, run_sweep, uow):
    job = submit()
    _claim(uow, job, timedelta(seconds=-1))
    monotonic.now += 10
    run_sweep(outages=outages)
    with uow() as work:
        again = work.jobs.get(job.id)
    assert (again.state, again.losses, again.tries) == (JobState.QUEUED, 1, 1)
