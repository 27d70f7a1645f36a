from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.delivery import (
    ATTEMPTS_AT_ONCE,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EventType,
    generate_secret,
)
from app.domain.identity import new_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)


@pytest.fixture
def endpoint(stored):
    return _add_endpoint(stored)


def _add_endpoint(stored):
    endpoint = Endpoint(
        id=new_id(),
        url="https://hooks.example.com/",
        secret=generate_secret(),
        events=frozenset(EventType),
        created_at=NOON,
    )
    stored(lambda work: work.endpoints.add(endpoint))
    return endpoint


@pytest.fixture
def add(stored, endpoint):
    """Return a function that stores a delivery that is due after so many seconds."""

    def store(after_s=0, **changes):
        values = {
            "id": new_id(),
            "endpoint_id": endpoint.id,
            "event": EventType.JOB_DEAD,
            "payload": {"type": "job.dead", "sequence": 1},
            "next_attempt_at": NOON + after_s * SECOND,
            "created_at": NOON + after_s * SECOND,
        }
        delivery = Delivery(**{**values, **changes})
        stored(lambda work: work.deliveries.add(delivery))
        return delivery

    return store


@pytest.fixture
def claim(stored):
    """Return a function that claims a delivery at a moment."""

    def take(delivery, now=NOON):
        return stored(lambda work: work.deliveries.claim(delivery.id, now=now, lease=LEASE))

    return take


@pytest.fixture
def record(stored):
    """Return a function that records what came of a claim."""

    def end(claimed, state=DeliveryState.DELIVERED, next_attempt_at=None):
        attempt = Attempt(
            delivery_id=claimed.id,
            number=claimed.attempt,
            at=NOON + SECOND,
            status_code=200,
            duration_ms=12,
        )
        held = stored(
            lambda work: work.deliveries.record(
                attempt, state=state, next_attempt_at=next_attempt_at
            )
        )
        return held, attempt

    return end


@pytest.fixture
def get(found):
    return lambda delivery: found(lambda work: work.deliveries.get(delivery.id))


@pytest.fixture
def due(found):
    return lambda now=NOON, limit=9: found(lambda w: w.deliveries.due(now=now, limit=limit))


def test_a_delivery_comes_back_as_it_was_stored(add, get, found):
    delivery = add()
    assert get(delivery) == delivery
    assert found(lambda work: work.deliveries.get(new_id())) is None


def test_a_page_has_the_newest_first(add, found, endpoint):
    first, second, third = (add(after_s).id for after_s in (0, 1, 2))

    def page(before=None, limit=9):
        rows = found(lambda w: w.deliveries.page(endpoint.id, before=before, limit=limit))
        return [row.id for row in rows]

    assert page() == [third, second, first]
    assert page(limit=1) == [third]
    assert page(before=(NOON + 2 * SECOND, third)) == [second, first]


def test_a_claim_counts_and_is_due_again_when_its_lease_ends(add, claim, get, due):
    delivery = add()
    claimed = claim(delivery)
    assert claimed == replace(
        delivery, attempt=1, next_attempt_at=NOON + LEASE, leased_until=NOON + LEASE
    )
    assert get(delivery) == claimed
    assert claim(delivery, NOON + LEASE - SECOND) is None
    assert due(NOON + LEASE - SECOND) == []
    assert due(NOON + LEASE) == [delivery.id]
    assert claim(delivery, NOON + LEASE).attempt == 2


def test_nothing_is_claimed_before_its_time_or_after_its_end(add, claim, record):
    delivery = add(after_s=5)
    assert claim(delivery) is None
    record(claim(delivery, NOON + 5 * SECOND))
    assert claim(delivery, NOON + timedelta(days=1)) is None


def test_an_endpoint_has_so_many_attempts_at_once_and_no_more(add, claim, due, stored):
    deliveries = [add(after_s) for after_s in range(ATTEMPTS_AT_ONCE + 2)]
    later = NOON + 9 * SECOND
    assert due(later) == [one.id for one in deliveries[:ATTEMPTS_AT_ONCE]]
    taken = [claim(one, later) is not None for one in deliveries]
    assert taken == [True] * ATTEMPTS_AT_ONCE + [False] * 2
    endpoint_id = deliveries[0].endpoint_id
    assert stored(lambda w: w.deliveries.claim_next(endpoint_id, now=later, lease=LEASE)) is None


def test_a_throttled_endpoint_is_left_alone(add, claim, due, stored, endpoint):
    delivery = add()
    until = NOON + timedelta(minutes=1)
    stored(lambda work: work.endpoints.update(replace(endpoint, throttled_until=until)))
    assert due(until - SECOND) == []
    assert claim(delivery, until - SECOND) is None
    assert due(until) == [delivery.id]
    assert claim(delivery, until) is not None


def test_the_one_that_is_due_for_the_longest_is_next(add, stored, endpoint):
    second, first = add(after_s=1), add(after_s=0)
    add(after_s=60)

    def claim_next():
        return stored(
            lambda w: w.deliveries.claim_next(endpoint.id, now=NOON + 2 * SECOND, lease=LEASE)
        )

    assert claim_next().id == first.id
    assert claim_next().id == second.id
    assert claim_next() is None


def test_due_ones_of_all_endpoints_come_oldest_first_up_to_a_limit(add, due, stored):
    late, early = add(after_s=2), add(after_s=1)
    elsewhere = add(endpoint_id=_add_endpoint(stored).id)
    later = NOON + 9 * SECOND
    assert due(later) == [elsewhere.id, early.id, late.id]
    assert due(later, limit=2) == [elsewhere.id, early.id]


def test_an_end_is_recorded_with_its_attempt(add, claim, record, get, found):
    delivery = add()
    claimed = claim(delivery)
    held, attempt = record(claimed)
    assert held is True
    assert get(delivery) == replace(
        claimed,
        state=DeliveryState.DELIVERED,
        next_attempt_at=None,
        leased_until=None,
        delivered_at=attempt.at,
    )
    assert found(lambda work: work.deliveries.attempts(delivery.id)) == [attempt]


def test_a_record_is_refused_when_a_later_claim_took_over(add, claim, record, get, found):
    delivery = add()
    first, second = claim(delivery), claim(delivery, NOON + LEASE)
    assert record(first)[0] is False
    assert get(delivery) == second
    assert found(lambda work: work.deliveries.attempts(delivery.id)) == []
    assert record(second)[0] is True
    assert record(second)[0] is False


def test_attempts_are_listed_in_order(add, claim, record, found):
    delivery = add()
    for number in range(3):
        claimed = claim(delivery, NOON + number * LEASE)
        record(claimed, DeliveryState.PENDING, NOON + (number + 1) * LEASE)
    attempts = found(lambda work: work.deliveries.attempts(delivery.id))
    assert [one.number for one in attempts] == [1, 2, 3]


def test_a_redelivery_has_the_whole_schedule_before_it_and_new_numbers(
    add, claim, record, get, stored
):
    delivery = add()
    record(claim(delivery))
    again = NOON + timedelta(hours=1)
    stored(lambda work: work.deliveries.redeliver(delivery.id, now=again))
    assert get(delivery) == replace(delivery, attempt=1, schedule_start=1, next_attempt_at=again)
    assert claim(delivery, again).attempt == 2


def test_a_range_is_sent_again_by_when_it_was_made_and_how_it_ended(
    add, claim, record, get, stored, endpoint
):
    ends = (DeliveryState.FAILED, DeliveryState.DELIVERED, None, DeliveryState.FAILED)
    deliveries = [add(after_s) for after_s in range(len(ends))]
    for delivery, end in zip(deliveries, ends, strict=True):
        if end is not None:
            record(claim(delivery, NOON + 9 * SECOND), end)
    chosen = stored(
        lambda work: work.deliveries.redeliver_range(
            endpoint.id,
            since=NOON,
            until=NOON + 3 * SECOND,
            states=[DeliveryState.FAILED, DeliveryState.PENDING],
            now=NOON + timedelta(hours=1),
        )
    )
    assert chosen == [deliveries[0].id]
    assert [get(one).state for one in deliveries] == ["pending", "delivered", "pending", "failed"]
    assert get(deliveries[2]) == deliveries[2]


def test_deliveries_and_attempts_go_with_their_endpoint(add, claim, record, get, stored, found):
    delivery = add()
    record(claim(delivery))
    stored(lambda work: work.endpoints.delete(delivery.endpoint_id))
    assert get(delivery) is None
    assert found(lambda work: work.deliveries.attempts(delivery.id)) == []


def test_what_is_not_committed_is_undone(begin, add, claim, get, found):
    delivery = claim(add())
    attempt = Attempt(delivery_id=delivery.id, number=1, at=NOON)
    with begin() as work:
        work.deliveries.record(attempt, state=DeliveryState.DELIVERED, next_attempt_at=None)
    assert get(delivery) == delivery
    assert found(lambda work: work.deliveries.attempts(delivery.id)) == []
