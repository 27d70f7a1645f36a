from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.domain.backlog import Lane
from app.domain.identity import new_id
from app.domain.job import Job, JobState
from app.domain.job_parameters import DetectionParameters
from tasks.process.batches import BatchSizes

OURS, THEIRS = new_id(), new_id()


def _job(tenant_id=OURS, lane=Lane.BULK):
    return Job(
        id=new_id(),
        parameters=DetectionParameters(),
        state=JobState.RUNNING,
        tenant_id=tenant_id,
        lane=lane,
        created_at=datetime.now(UTC),
    )


@pytest.fixture
def clock():
    return [1000.0]


@pytest.fixture
def sizes(clock):
    return BatchSizes(8, monotonic=lambda: clock[0])


def test_whoever_is_alone_gets_whole_batches(sizes):
    assert sizes.next() == 8
    sizes.took([_job()], 8, seconds=8.0)
    assert sizes.next() == 8


@pytest.mark.parametrize("other", [_job(THEIRS), _job(lane=Lane.INTERACTIVE)])
@pytest.mark.parametrize(("seconds", "size"), [(0.01, 8), (0.06, 2), (0.13, 1), (5.0, 1)])
def test_where_others_are_a_batch_ends_soon(sizes, other, seconds, size):
    sizes.took([_job(), other], 8, seconds=8 * seconds)
    assert sizes.next() == size


def test_who_has_left_is_forgotten(sizes, clock):
    sizes.took([_job(), _job(THEIRS)], 2, seconds=1.0)
    clock[0] += 9
    sizes.took([_job()], 1, seconds=0.5)
    assert sizes.next() == 1
    clock[0] += 2
    assert sizes.next() == 8


def test_each_fourth_claim_of_a_backlog_is_for_bulk_work(sizes):
    claims = []
    for _ in range(9):
        claims.append(sizes.is_for_bulk())
        sizes.found(more=True)
    assert claims == [False, False, False, True] * 2 + [False]


def test_without_a_backlog_no_claim_is_for_bulk_work_alone(sizes):
    for _ in range(9):
        assert not sizes.is_for_bulk()
        sizes.found(more=False)
