from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from fakes import FakeClock

from app.domain.backlog import Backlog, Bounds, Lane
from app.domain.errors import QueueFullError, TooMuchWaitingError
from app.domain.identity import new_id
from app.domain.job import Job, JobState, Progress
from app.domain.job_parameters import DetectionParameters
from app.services.jobs import admission as module
from app.services.jobs.admission import Admission

CLOCK = FakeClock()


class World:
    """Counts of what waits, how often they were asked for, and the time."""

    def __init__(self):
        self.own = {Lane.BULK: 0, Lane.INTERACTIVE: 0}
        self.whole = dict(self.own)
        self.asked = 0
        self.age = timedelta()
        self.now = 1000.0
        self.backlog = self

    def of_tenant(self, lane):
        return self._count(self.own[lane])

    def in_all(self, lane):
        return self._count(self.whole[lane])

    def _count(self, images):
        self.asked += 1
        return Backlog(images=images, oldest_at=CLOCK.now() - self.age if images else None)


@pytest.fixture
def world(monkeypatch):
    world = World()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: world.now))
    return world


@pytest.fixture
def admission():
    return Admission.within(Bounds(tenant=100, whole=150)).of(new_id())


def _job(images=1, lane=Lane.BULK):
    return Job(
        id=new_id(),
        parameters=DetectionParameters(),
        state=JobState.QUEUED,
        lane=lane,
        progress=Progress(total=images),
        created_at=CLOCK.now(),
    )


def _enter(admission, world, images=1, lane=Lane.BULK, *, turn=1):
    """Store a job, or, without a turn, fail to."""
    with admission.enter(_job(images, lane), work=world, clock=CLOCK) as entry:
        entry.place.turn = turn
    return entry.quota


def test_what_was_stored_since_the_count_counts_too(admission, world):
    world.own[Lane.BULK] = 90
    assert _enter(admission, world, 8).remaining == 2
    assert _enter(admission, world, 1).remaining == 1
    assert _enter(admission, world, 5).remaining == 0
    with pytest.raises(TooMuchWaitingError) as refusal:
        _enter(admission, world)
    assert (refusal.value.quota.remaining, refusal.value.status) == (0, 429)


def test_what_is_being_stored_counts_already_and_no_more_if_it_is_not(admission, world):
    with admission.enter(_job(100), work=world, clock=CLOCK), pytest.raises(TooMuchWaitingError):
        _enter(admission, world)
    assert _enter(admission, world).waiting == 1


def test_a_job_without_images_counts_as_one(admission, world):
    assert _enter(admission, world, 0).waiting == 1


def test_the_whole_is_bounded_whoever_fills_it(admission, world):
    world.whole[Lane.BULK] = 150
    with pytest.raises(QueueFullError) as refusal:
        _enter(admission, world)
    assert refusal.value.status == 503


def test_tenants_have_a_bound_each_and_share_that_of_the_whole(world):
    shared = Admission.within(Bounds(tenant=100, whole=150))
    for taken in (100, 50):
        one = shared.of(new_id())
        _enter(one, world, taken)
    with pytest.raises(QueueFullError):
        _enter(shared.of(new_id()), world)


def test_a_backlog_turns_nobody_away_who_goes_before_it(admission, world):
    world.own[Lane.BULK] = 100
    with pytest.raises(TooMuchWaitingError):
        _enter(admission, world)
    assert _enter(admission, world, lane=Lane.INTERACTIVE).remaining == 99


def test_the_count_is_repeated_the_sooner_the_less_room_there_is(admission, world):
    _enter(admission, world)
    world.now += 0.1  # a hundred could have come meanwhile, by way of other processes
    world.asked = 0
    _enter(admission, world)
    assert world.asked == 1
    large = Admission.within(Bounds(tenant=10_000, whole=20_000)).of(new_id())
    _enter(large, world)
    world.asked = 0
    world.now += 9
    _enter(large, world)
    assert world.asked == 0


def test_who_was_refused_is_admitted_once_there_is_room(admission, world):
    world.own[Lane.BULK] = 100
    with pytest.raises(TooMuchWaitingError):
        _enter(admission, world)
    world.own[Lane.BULK] = 40
    world.now += 0.1
    assert _enter(admission, world).remaining == 59


@pytest.mark.parametrize(
    ("age_s", "least", "most"), [(0, 1, 1), (30, 3, 5), (300, 30, 45), (9999, 60, 60)]
)
def test_who_is_refused_is_told_to_return_when_a_part_is_worked_off(
    admission, world, age_s, least, most
):
    world.own[Lane.BULK], world.age = 100, timedelta(seconds=age_s)
    with pytest.raises(TooMuchWaitingError) as refusal:
        _enter(admission, world)
    assert least <= refusal.value.retry_after_s <= most
