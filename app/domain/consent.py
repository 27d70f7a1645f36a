"""What people have agreed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentTerms:
    """What a subject agrees to; every text is a code of the operator, without personal data."""

    purpose: str
    text_version: str
    expires_at: datetime | None = None
    #: The operator's own document of it.
    reference: str | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether their time has not passed."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A subject's consent: kept as evidence, also when it has ended, until the subject goes."""

    id: UUID
    subject_id: UUID
    terms: ConsentTerms
    given_at: datetime
    withdrawn_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether faces may be stored under it."""
        return self.withdrawn_at is None and self.terms.is_open(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedConsents:
    """A subject whose consents have ended, or some of them."""

    tenant_id: UUID
    collection_id: UUID
    subject_id: UUID
