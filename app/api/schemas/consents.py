from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Code, Moment, Schema

if TYPE_CHECKING:
    from app.domain.consent import Consent
    from app.domain.legal_hold import LegalHold
    from app.services.people.consents import Withdrawal


class ConsentRequest(Schema):
    """What a subject has agreed to."""

    purpose: Annotated[
        Code,
        Field(description="What it agrees to: a code, no sentence.", examples=["access-control"]),
    ]
    text_version: Annotated[Code, Field(description="The version of the text that it agrees to.")]
    given_at: Annotated[Moment | None, Field(description="When; now if absent.")] = None
    expires_at: Annotated[
        Moment | None, Field(description="When the consent ends; never when absent.")
    ] = None
    reference: Annotated[
        Code | None, Field(description="Your own document of it: a code, no name.")
    ] = None


class ConsentResource(Schema):
    """A consent of a subject, which stays as evidence when it has ended."""

    id: UUID
    subject_id: UUID
    purpose: Annotated[str, Field(examples=["access-control"])]
    text_version: Annotated[str, Field(examples=["2026-05"])]
    reference: str | None
    given_at: datetime
    expires_at: datetime | None
    withdrawn_at: datetime | None
    valid: Annotated[bool, Field(description="Whether faces may be enrolled under it now.")]

    @classmethod
    def of(cls, consent: Consent, *, now: datetime) -> ConsentResource:
        """Show a consent."""
        return cls(
            id=consent.id,
            subject_id=consent.subject_id,
            purpose=consent.terms.purpose,
            text_version=consent.terms.text_version,
            reference=consent.terms.reference,
            given_at=consent.given_at,
            expires_at=consent.terms.expires_at,
            withdrawn_at=consent.withdrawn_at,
            valid=consent.is_valid(now),
        )


class ConsentList(Schema):
    """Every consent of a subject, the one recorded last first."""

    items: list[ConsentResource]


class WithdrawalResource(Schema):
    """What a withdrawal came to."""

    consent: ConsentResource
    faces_erased: int
    legal_hold: Annotated[
        bool, Field(description="Whether a hold keeps the faces; they go when it is lifted.")
    ]

    @classmethod
    def of(cls, withdrawal: Withdrawal, *, now: datetime) -> WithdrawalResource:
        """Show a withdrawal."""
        return cls(
            consent=ConsentResource.of(withdrawal.consent, now=now),
            faces_erased=withdrawal.faces_erased,
            legal_hold=withdrawal.held,
        )


class LegalHoldRequest(Schema):
    """Why something must not be erased."""

    reference: Annotated[
        Code,
        Field(
            description="Your own name of the case: a code, no name.", examples=["case-2026-114"]
        ),
    ]


class LegalHoldResource(Schema):
    """A hold on a subject, or on a collection with everyone in it."""

    collection_id: UUID
    subject_id: Annotated[UUID | None, Field(description="null: the whole collection.")]
    reference: Annotated[str, Field(examples=["case-2026-114"])]
    placed_by: Annotated[UUID, Field(description="Id of the key that placed it.")]
    placed_at: datetime

    @classmethod
    def of(cls, hold: LegalHold) -> LegalHoldResource:
        """Show a hold."""
        return cls(**{name: getattr(hold, name) for name in cls.model_fields})
