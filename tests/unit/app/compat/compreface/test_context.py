from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.compat.compreface.context import caller_of
from app.domain.compreface import Service, ServiceType
from app.domain.errors import NotFoundError
from app.services.access.visibility import require_visible_collection

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", [ServiceType.DETECTION, ServiceType.VERIFY])
def test_a_service_without_a_collection_sees_none(kind):
    service = Service(
        id=uuid4(),
        tenant_id=uuid4(),
        application_id=uuid4(),
        name="a",
        type=kind,
        key_hash=b"",
        collection_id=None,
        created_at=NOW,
    )
    with pytest.raises(NotFoundError):
        require_visible_collection(uuid4(), caller_of(service))
