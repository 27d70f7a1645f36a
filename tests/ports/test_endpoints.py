from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.delivery import DisableReason, Endpoint, EventType, generate_secret
from app.domain.identity import new_id
from app.domain.tenant import DEFAULT_TENANT_ID

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWNER, STRANGER = new_id(), new_id()


@pytest.fixture
def add(stored):
    """Return a function that stores an endpoint and returns it as it is stored."""

    def store(**changes):
        values = {
            "id": new_id(),
            "url": "https://hooks.example.com/",
            "secret": generate_secret(),
            "events": frozenset({EventType.JOB_DEAD}),
            "created_at": NOON,
        }
        endpoint = Endpoint(**{**values, **changes})
        stored(lambda work: work.endpoints.add(endpoint))
        return replace(endpoint, tenant_id=DEFAULT_TENANT_ID)

    return store


def test_an_endpoint_comes_back_as_it_was_stored(add, found):
    endpoint = add(
        owner_id=OWNER,
        signing_key="whsk_a",
        previous_secret="whsec_b",
        previous_secret_until=NOON + timedelta(hours=24),
    )
    assert found(lambda work: work.endpoints.get(endpoint.id)) == endpoint
    assert found(lambda work: work.endpoints.lock(endpoint.id)) == endpoint
    assert found(lambda work: work.endpoints.get(new_id())) is None
    assert found(lambda work: work.endpoints.lock(new_id())) is None


def test_a_change_is_stored(add, stored, found):
    endpoint = add()
    changed = replace(
        endpoint,
        url="https://other.example.com/",
        events=frozenset(EventType),
        enabled=False,
        disabled_reason=DisableReason.FAILING,
        failing_since=NOON,
        throttled_until=NOON + timedelta(seconds=5),
    )
    stored(lambda work: work.endpoints.update(changed))
    assert found(lambda work: work.endpoints.get(endpoint.id)) == changed


def test_what_is_not_committed_is_undone(begin, add, found):
    endpoint = add()
    with begin() as work:
        work.endpoints.update(replace(endpoint, enabled=False))
        work.endpoints.next_sequence(endpoint.id)
    assert found(lambda work: work.endpoints.get(endpoint.id)) == endpoint
    assert found(lambda work: work.endpoints.next_sequence(endpoint.id)) == 1


def test_a_page_is_by_id_behind_the_last_of_the_page_before(add, found):
    ids = sorted(add(owner_id=owner).id for owner in (OWNER, STRANGER, OWNER, OWNER))

    def page(**changes):
        query = {"owner_id": None, "after": None, "limit": 9} | changes
        return [one.id for one in found(lambda work: work.endpoints.page(**query))]

    assert page() == ids
    assert page(limit=2) == ids[:2]
    assert page(after=ids[1]) == ids[2:]
    assert len(page(owner_id=OWNER)) == 3
    assert len(page(owner_id=STRANGER)) == 1
    assert page(owner_id=new_id()) == []


def test_events_are_counted_from_one_for_each_endpoint(add, stored):
    first, second = add(), add()
    numbers = [
        stored(lambda work, one=one: work.endpoints.next_sequence(one.id))
        for one in (first, first, second, first)
    ]
    assert numbers == [1, 2, 1, 3]


def test_those_hear_of_an_event_who_asked_for_it_and_may(add, found):
    heard = {add().id, add(owner_id=OWNER).id}
    add(owner_id=STRANGER)
    add(enabled=False)
    add(events=frozenset({EventType.JOB_FAILED}))

    def listeners(tenant_id):
        query = {"tenant_id": tenant_id, "owner_id": OWNER}
        return {
            one.id for one in found(lambda w: w.endpoints.subscribed(EventType.JOB_DEAD, **query))
        }

    assert listeners(DEFAULT_TENANT_ID) == heard
    assert listeners(new_id()) == set()


def test_a_deleted_endpoint_is_gone(add, stored, found):
    gone, kept = add(), add()
    stored(lambda work: work.endpoints.delete(gone.id))
    assert found(lambda work: work.endpoints.get(gone.id)) is None
    assert found(lambda work: work.endpoints.get(kept.id)) == kept
