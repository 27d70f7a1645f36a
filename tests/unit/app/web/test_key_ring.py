from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.domain.access import ApiKey, Scope
from app.web.key_ring import KeyRing


class FakeKeys:
    """A unit of work with keys alone; counts the look-ups."""

    def __init__(self):
        self.rows = {}
        self.lookups = 0
        self.keys = self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def find(self, public_id):
        self.lookups += 1
        return self.rows.get(public_id)


@pytest.fixture
def keys():
    store = FakeKeys()
    store.rows["a"] = ApiKey(
        id=uuid4(),
        name="a",
        public_id="a",
        secret_hash=b"",
        scope=Scope.READ,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return store


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def ring(keys, clock):
    return KeyRing(lambda: keys, monotonic=lambda: clock[0])


def test_a_key_is_looked_up_once_within_half_a_second(ring, keys, clock):
    assert ring.find("a") is ring.find("a")
    assert keys.lookups == 1
    clock[0] += 0.6
    ring.find("a")
    assert keys.lookups == 2


def test_a_change_is_seen_within_a_second(ring, keys, clock):
    ring.find("a")
    keys.rows["a"] = replace(keys.rows["a"], revoked_at=datetime(2026, 1, 2, tzinfo=UTC))
    clock[0] += 1
    assert ring.find("a").revoked_at


def test_a_new_key_is_known_at_once(ring, keys):
    assert ring.find("b") is None
    keys.rows["b"] = keys.rows["a"]
    assert ring.find("b") is not None


def test_the_memory_is_bounded(ring, keys):
    for number in range(3000):
        keys.rows[str(number)] = keys.rows["a"]
        ring.find(str(number))
    assert len(ring._known) <= 1000
