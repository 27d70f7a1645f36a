from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from factories import caller

from app.domain.access import Scope
from app.domain.collection import Collection
from app.domain.errors import NotFoundError
from app.web.collection_memory import CollectionMemory

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = Collection(id=uuid4(), name="people", model="a-model", created_at=NOW)
CALLER = caller(scope=Scope.READ)


class FakeCollections:
    """A unit of work with collections alone; counts the look-ups."""

    def __init__(self):
        self.rows = {"people": PEOPLE}
        self.lookups = 0
        self.collections = self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def find(self, name):
        self.lookups += 1
        return self.rows.get(name)


@pytest.fixture
def store():
    return FakeCollections()


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def find(memory, store):
    return lambda who=CALLER: memory.find("people", caller=who, uow=lambda: store)


@pytest.fixture
def memory(clock):
    return CollectionMemory(monotonic=lambda: clock[0])


def test_a_collection_is_looked_up_once_within_half_a_second(find, store, clock):
    assert find() is find() is PEOPLE
    assert store.lookups == 1
    clock[0] += 0.6
    find()
    assert store.lookups == 2


def test_a_deleted_collection_is_gone_after_half_a_second(find, store, clock):
    find()
    store.rows.clear()
    clock[0] += 0.6
    with pytest.raises(NotFoundError):
        find()


def test_a_collection_that_this_process_deleted_is_gone_at_once(find, store, memory):
    find()
    store.rows.clear()
    memory.forget()
    with pytest.raises(NotFoundError):
        find()


def test_a_missing_collection_is_not_remembered(find, store):
    store.rows.clear()
    with pytest.raises(NotFoundError):
        find()
    store.rows["people"] = PEOPLE
    assert find() is PEOPLE


def test_callers_of_other_collections_and_tenants_find_nothing_in_the_memory(find, store):
    find()
    with pytest.raises(NotFoundError):
        find(replace(CALLER, collection_id=uuid4()))
    store.rows.clear()
    with pytest.raises(NotFoundError):
        find(replace(CALLER, tenant_id=uuid4()))
