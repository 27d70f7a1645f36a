"""Each port twice: the fake that tests use, and what the service uses."""

from __future__ import annotations

import pytest

from tests.fakes_work import FakeWork


@pytest.fixture(params=["fake", "postgres"])
def begin(request):
    """Return a function that begins a unit of work on an empty database of the first tenant."""
    return FakeWork() if request.param == "fake" else request.getfixturevalue("uow")


@pytest.fixture
def stored(begin):
    """Return a function that does something in a unit of work and commits it."""

    def do(change):
        with begin() as work:
            result = change(work)
            work.commit()
        return result

    return do


@pytest.fixture
def found(begin):
    """Return a function that reads something in a unit of work of its own."""

    def read(question):
        with begin() as work:
            return question(work)

    return read
