from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.domain.consent import Consent, ConsentTerms

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CONSENT = Consent(
    id=uuid4(),
    subject_id=uuid4(),
    terms=ConsentTerms(purpose="door", text_version="1"),
    given_at=NOW - SECOND,
)


@pytest.mark.parametrize(
    ("expires_at", "withdrawn_at", "valid"),
    [
        (None, None, True),
        (NOW + SECOND, None, True),
        (NOW, None, False),
        (None, NOW - SECOND, False),
        (NOW + SECOND, NOW - SECOND, False),
    ],
)
def test_a_consent_is_valid_until_it_expires_or_is_withdrawn(expires_at, withdrawn_at, valid):
    terms = replace(CONSENT.terms, expires_at=expires_at)
    consent = replace(CONSENT, terms=terms, withdrawn_at=withdrawn_at)
    assert consent.is_valid(NOW) is valid
