"""A collection in the test's own database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.domain.collection import Collection
from app.domain.identity import new_id

MODEL = "facenet-msceleb-128"


@pytest.fixture
def collection(uow):
    collection = Collection(id=new_id(), name="people", model=MODEL, created_at=datetime.now(UTC))
    with uow() as work:
        work.collections.add(collection)
        work.commit()
    return collection
