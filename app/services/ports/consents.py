"""Consents and legal holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.consent import Consent
    from app.domain.legal_hold import LegalHold


class ConsentRepository(Protocol):
    """What subjects have agreed to."""

    def add(self, consent: Consent) -> None:
        """Store a consent."""

    def of_subject(self, subject_id: UUID) -> list[Consent]:
        """Return a subject's consents, the one recorded last first."""

    def withdraw(self, subject_id: UUID, *, at: datetime) -> None:
        """End every consent of a subject that was not withdrawn before."""

    def settle(self, subject_id: UUID, *, now: datetime) -> None:
        """Note that the ends of a subject's consents until now were acted upon."""

    def ended(self, *, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
        """Return collection and subject of consents that have ended, and were not acted upon.

        What is under a legal hold is left out.
        """

    def move(self, subject_id: UUID, into: UUID) -> None:
        """Give a subject's consents to another one."""

    def uncovered(self, collection_id: UUID, *, now: datetime) -> tuple[int, int]:
        """Count the subjects with faces and no valid consent, and the faces without a subject."""


class LegalHoldRepository(Protocol):
    """What must not be erased."""

    def add(self, hold: LegalHold) -> None:
        """Store a hold. Raises: ConflictError: there is one already, or the thing is gone."""

    def find(self, collection_id: UUID, subject_id: UUID | None) -> LegalHold | None:
        """Return the hold on exactly this subject, or on exactly the collection, or ``None``."""

    def within(self, collection_id: UUID) -> list[LegalHold]:
        """Return the holds on a collection and on subjects in it."""

    def is_tenant_held(self, tenant_id: UUID) -> bool:
        """Tell whether anything of a tenant is held."""

    def delete(self, hold_id: UUID) -> None:
        """Lift a hold."""
