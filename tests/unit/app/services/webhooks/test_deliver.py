from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.domain.delivery import (
    RETRY_DELAYS,
    DeliveryState,
    DisableReason,
    Endpoint,
    EventType,
    generate_secret,
)
from app.domain.job import Job, JobState, JobType
from app.domain.job_parameters import EnrolmentParameters
from app.domain.tenant import DEFAULT_TENANT_ID
from app.services.webhooks.deliver import deliver, enqueue_events
from tests.fakes import FakeClock, FakeSender
from tests.fakes_work import FakeWork
from tests.made_results import RESULT_OF

LEASE = timedelta(seconds=30)
OWNER = UUID(int=7)
ENDED = datetime(2026, 3, 1, 11, 59, 59, 250_000, tzinfo=UTC)


@pytest.fixture
def work():
    return FakeWork()


@pytest.fixture
def clock():
    return FakeClock(ENDED + timedelta(milliseconds=750))


def add_endpoint(work, **changes):
    values = {
        "id": uuid4(),
        "url": "https://hooks.example.com/",
        "secret": generate_secret(),
        "events": frozenset({EventType.JOB_SUCCEEDED}),
        "created_at": ENDED,
    }
    endpoint = Endpoint(**{**values, **changes})
    work.endpoints.add(endpoint)
    return endpoint


def ended_job(**changes):
    values = {
        "id": uuid4(),
        "state": JobState.SUCCEEDED,
        "tenant_id": DEFAULT_TENANT_ID,
        "owner_id": OWNER,
        "collection_id": uuid4(),
        "parameters": EnrolmentParameters(subject="Ann"),
        "result": RESULT_OF[JobType.ENROLMENT],
        "created_at": ENDED,
        "finished_at": ENDED,
    }
    return Job(**{**values, **changes})


def add_delivery(work, **changes):
    add_endpoint(work, **changes)
    (delivery_id,) = enqueue_events(work, [ended_job()])
    return delivery_id


def attempt_once(delivery_id, work, sender, clock, jitter=0.0):
    deliver(delivery_id, uow=work, sender=sender, clock=clock, lease=LEASE, jitter=lambda: jitter)


def attempt_until_settled(delivery_id, work, sender, clock):
    """Make every attempt at the moment it is due; return the waits between them."""
    waits = []
    while True:
        attempt_once(delivery_id, work, sender, clock)
        delivery = work.deliveries.get(delivery_id)
        if delivery.next_attempt_at is None:
            return waits
        waits.append(delivery.next_attempt_at - clock.now())
        clock.moment = delivery.next_attempt_at


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled", "dead"])
def test_enqueue_events_tells_of_the_end_of_a_job_in_ids_and_states_only(work, state):
    endpoint = add_endpoint(work, events=frozenset(EventType))
    job = ended_job(state=JobState(state))
    (delivery_id,) = enqueue_events(work, [job])
    delivery = work.deliveries.get(delivery_id)
    assert delivery.endpoint_id == endpoint.id
    assert delivery.next_attempt_at == ENDED
    assert delivery.payload == {
        "type": f"job.{state}",
        "timestamp": "2026-03-01T11:59:59.250Z",
        "sequence": 1,
        "data": {
            "id": str(job.id),
            "type": "enrolment",
            "state": state,
            "collection_id": str(job.collection_id),
            "links": {"job": f"/v1/jobs/{job.id}"},
        },
    }


def test_enqueue_events_reaches_the_owners_and_the_global_endpoints_that_hear_of_the_event(work):
    heard = [add_endpoint(work, owner_id=OWNER), add_endpoint(work)]
    add_endpoint(work, owner_id=UUID(int=8))
    add_endpoint(work, enabled=False)
    add_endpoint(work, events=frozenset({EventType.JOB_FAILED}))
    ids = enqueue_events(work, [ended_job()])
    assert {work.deliveries.get(one).endpoint_id for one in ids} == {one.id for one in heard}


def test_enqueue_events_refuses_a_job_that_runs(work):
    with pytest.raises(ValueError, match="not ended"):
        enqueue_events(work, [ended_job(state=JobState.RUNNING, finished_at=None)])


def test_deliver_ends_a_delivery_that_is_taken(work, clock):
    delivery_id = add_delivery(work)
    attempt_once(delivery_id, work, FakeSender(200), clock)
    delivery = work.deliveries.get(delivery_id)
    assert delivery.state is DeliveryState.DELIVERED
    assert delivery.delivered_at == clock.now()
    assert [one.number for one in work.deliveries.attempts(delivery_id)] == [1]


def test_deliver_makes_ten_attempts_on_the_schedule_and_gives_up(work, clock):
    delivery_id = add_delivery(work)
    sender = FakeSender(500)
    waits = attempt_until_settled(delivery_id, work, sender, clock)
    assert waits == list(RETRY_DELAYS)
    assert timedelta(hours=75) < sum(waits, timedelta()) < timedelta(hours=76)
    assert work.deliveries.get(delivery_id).state is DeliveryState.FAILED
    assert [one.number for one in work.deliveries.attempts(delivery_id)] == list(range(1, 11))


def test_deliver_lengthens_a_wait_by_the_jitter(work, clock):
    delivery_id = add_delivery(work)
    attempt_once(delivery_id, work, FakeSender(500), clock, jitter=0.5)
    delivery = work.deliveries.get(delivery_id)
    assert delivery.next_attempt_at - clock.now() == timedelta(seconds=5.25)


def test_deliver_does_nothing_before_the_time_has_come(work, clock):
    delivery_id = add_delivery(work)
    sender = FakeSender(500)
    attempt_once(delivery_id, work, sender, clock)
    clock.advance(timedelta(seconds=4.9))
    attempt_once(delivery_id, work, sender, clock)
    assert len(sender.sent) == 1


def test_deliver_waits_as_long_as_the_receiver_asks(work, clock):
    delivery_id = add_delivery(work)
    attempt_once(delivery_id, work, FakeSender(429, retry_after_s=120), clock)
    delivery = work.deliveries.get(delivery_id)
    assert delivery.next_attempt_at - clock.now() == timedelta(seconds=120)


def test_deliver_keeps_to_the_schedule_when_the_receiver_asks_for_less(work, clock):
    delivery_id = add_delivery(work)
    attempt_once(delivery_id, work, FakeSender(503, retry_after_s=1), clock)
    delivery = work.deliveries.get(delivery_id)
    assert delivery.next_attempt_at - clock.now() == timedelta(seconds=5)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_receiver_that_is_too_busy_is_left_alone_with_every_event(work, clock, status):
    first = add_delivery(work)
    (second,) = enqueue_events(work, [ended_job()])
    attempt_once(first, work, FakeSender(status, retry_after_s=600), clock)
    (endpoint,) = work.endpoints.rows.values()
    assert endpoint.throttled_until - clock.now() == timedelta(seconds=600)
    clock.advance(timedelta(seconds=599))
    sender = FakeSender(200)
    attempt_once(second, work, sender, clock)
    assert sender.sent == []
    assert work.deliveries.due(now=clock.now(), limit=10) == []
    clock.advance(timedelta(seconds=1))
    attempt_once(second, work, sender, clock)
    assert {delivery.id for _, delivery, _ in sender.sent} == {first, second}
    assert work.endpoints.get(endpoint.id).throttled_until is None


def test_deliver_goes_on_with_what_waits_behind_at_the_same_endpoint(work, clock):
    first = add_delivery(work)
    behind = [one for _ in range(5) for one in enqueue_events(work, [ended_job()])]
    other = add_endpoint(work, events=frozenset({EventType.JOB_DEAD}))
    (elsewhere,) = enqueue_events(work, [ended_job(state=JobState.DEAD)])
    assert work.deliveries.get(elsewhere).endpoint_id == other.id
    sender = FakeSender(200)
    attempt_once(first, work, sender, clock)
    sent = [delivery.id for _, delivery, _ in sender.sent]
    assert sent == [first, *sorted(behind)]


def test_no_more_than_two_attempts_are_under_way_at_one_endpoint(work, clock):
    add_endpoint(work)
    waiting = [one for _ in range(5) for one in enqueue_events(work, [ended_job()])]
    under_way, most = 0, 0

    class BusySender(FakeSender):
        def send(self, endpoint, delivery, *, at):
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            for other in waiting:
                attempt_once(other, work, self, clock)
            under_way -= 1
            return super().send(endpoint, delivery, at=at)

    attempt_once(waiting[0], work, BusySender(200), clock)
    assert most == 2


def test_events_of_an_endpoint_are_numbered_without_a_gap(work):
    one, other = (add_endpoint(work, events=frozenset(EventType)) for _ in range(2))
    dead, done = ended_job(state=JobState.DEAD), ended_job()
    ids = enqueue_events(work, [dead, done]) + enqueue_events(work, [replace(done, id=dead.id)])
    for endpoint in (one, other):
        events = [work.deliveries.get(each) for each in ids]
        mine = [event.payload for event in events if event.endpoint_id == endpoint.id]
        assert [payload["sequence"] for payload in mine] == [1, 2, 3]
        assert [payload["type"] for payload in mine][::2] == ["job.dead", "job.succeeded"]


def test_deliver_sends_again_when_the_sender_died_before_its_record(work, clock):
    delivery_id = add_delivery(work)

    class DyingSender(FakeSender):
        def send(self, endpoint, delivery, *, at):
            super().send(endpoint, delivery, at=at)
            raise KeyboardInterrupt

    dying = DyingSender(200)
    with pytest.raises(KeyboardInterrupt):
        attempt_once(delivery_id, work, dying, clock)
    assert work.deliveries.due(now=clock.now(), limit=10) == []
    clock.advance(LEASE)
    assert work.deliveries.due(now=clock.now(), limit=10) == [delivery_id]
    second = FakeSender(200)
    attempt_once(delivery_id, work, second, clock)
    assert second.sent[0][1].id == dying.sent[0][1].id
    assert work.deliveries.get(delivery_id).state is DeliveryState.DELIVERED


def test_deliver_keeps_the_whole_schedule_when_senders_died(work, clock):
    delivery_id = add_delivery(work)
    for _ in range(12):
        work.deliveries.claim(delivery_id, now=clock.now(), lease=LEASE)
        clock.advance(LEASE)
    assert attempt_until_settled(delivery_id, work, FakeSender(500), clock) == list(RETRY_DELAYS)


def test_deliver_leaves_the_record_to_the_later_claim(work, clock):
    delivery_id = add_delivery(work)

    class SlowSender(FakeSender):
        def send(self, endpoint, delivery, *, at):
            clock.advance(LEASE)
            attempt_once(delivery_id, work, FakeSender(200), clock)
            return super().send(endpoint, delivery, at=at)

    attempt_once(delivery_id, work, SlowSender(500), clock)
    assert work.deliveries.get(delivery_id).state is DeliveryState.DELIVERED
    assert [one.number for one in work.deliveries.attempts(delivery_id)] == [2]
    assert next(iter(work.endpoints.rows.values())).failing_since is None


def test_deliver_disables_an_endpoint_that_is_gone(work, clock):
    delivery_id = add_delivery(work)
    attempt_once(delivery_id, work, FakeSender(410), clock)
    delivery = work.deliveries.get(delivery_id)
    endpoint = work.endpoints.get(delivery.endpoint_id)
    assert delivery.state is DeliveryState.FAILED
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, DisableReason.GONE)


def test_deliver_sends_nothing_to_a_disabled_endpoint(work, clock):
    delivery_id = add_delivery(work)
    (endpoint,) = work.endpoints.rows.values()
    work.endpoints.update(replace(endpoint, enabled=False))
    sender = FakeSender(200)
    attempt_once(delivery_id, work, sender, clock)
    assert sender.sent == []
    assert work.deliveries.get(delivery_id).state is DeliveryState.FAILED
    assert work.deliveries.attempts(delivery_id)[0].error == "The endpoint is disabled."


def test_deliver_disables_an_endpoint_after_five_days_of_failures_and_tells_the_others(work, clock):
    delivery_id = add_delivery(work, owner_id=OWNER)
    (failing,) = work.endpoints.rows.values()
    other = add_endpoint(work, owner_id=OWNER, events=frozenset({EventType.ENDPOINT_DISABLED}))
    foreign = frozenset({EventType.ENDPOINT_DISABLED})
    add_endpoint(work, owner_id=UUID(int=8), events=foreign)
    sender = FakeSender(500)
    attempt_until_settled(delivery_id, work, sender, clock)
    assert work.endpoints.get(failing.id).enabled

    clock.advance(timedelta(days=2))
    work.deliveries.redeliver(delivery_id, now=clock.now())
    attempt_once(delivery_id, work, sender, clock)
    endpoint = work.endpoints.get(failing.id)
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, DisableReason.FAILING)
    (news,) = [one for one in work.deliveries.rows.values() if one.id != delivery_id]
    assert (news.endpoint_id, news.event) == (other.id, EventType.ENDPOINT_DISABLED)
    assert news.payload["data"] == {"id": str(failing.id), "reason": "failing"}


def test_deliver_forgets_failures_after_a_success(work, clock):
    first = add_delivery(work)
    (second,) = enqueue_events(work, [ended_job()])
    attempt_once(first, work, FakeSender(500), clock)
    clock.advance(timedelta(days=4))
    attempt_once(second, work, FakeSender(200, 500), clock)
    failing_since = clock.now()
    clock.advance(timedelta(days=4))
    attempt_once(first, work, FakeSender(500), clock)
    (endpoint,) = work.endpoints.rows.values()
    assert endpoint.enabled
    assert endpoint.failing_since == failing_since


def test_deliver_ignores_what_does_not_exist(work, clock):
    attempt_once(uuid4(), work, FakeSender(200), clock)
    assert work.deliveries.log == []
