"""Record, list and withdraw consents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.errors import Fault, NotFoundError, ValidationFailedError
from app.services.people.collections import find_collection
from app.services.people.consent_rules import erase_for_want_of_consent, record_consent
from app.services.people.hold_rules import is_held
from app.services.people.subjects import find_subject

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.caller import Caller
    from app.domain.consent import Consent, ConsentTerms
    from app.services.erasure.receipts import Receipts
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What the withdrawal of a consent came to."""

    consent: Consent
    faces_erased: int
    #: Whether a legal hold keeps the faces until it is lifted.
    held: bool


def give_consent(
    collection_ref: str,
    subject: str,
    terms: ConsentTerms,
    *,
    given_at: datetime | None,
    caller: Caller,
    uow: UnitOfWorkFactory,
    clock: Clock,
) -> Consent:
    """Store a consent that was given then, or now.

    Raises: NotFoundError. ValidationFailedError: its times are not in order.
    """
    now = clock.now()
    require_in_order(terms.expires_at, now=now, pointer="#/expires_at")
    if given_at is not None and given_at > now:
        raise ValidationFailedError([Fault(detail="Must be in the past.", pointer="#/given_at")])
    with uow() as work:
        collection = find_collection(collection_ref, caller=caller, work=work)
        of = find_subject(collection.id, subject, work=work)
        consent = record_consent(work, of.id, terms, given_at=given_at or now)
        work.commit()
    return consent


def require_in_order(expires_at: datetime | None, *, now: datetime, pointer: str) -> None:
    """Refuse a consent that would not be valid for a moment. Raises: ValidationFailedError."""
    if expires_at is not None and expires_at <= now:
        raise ValidationFailedError([Fault(detail="Must be in the future.", pointer=pointer)])


def list_consents(
    collection_ref: str, subject: str, *, caller: Caller, uow: UnitOfWorkFactory
) -> list[Consent]:
    """Return every consent of a subject, the one recorded last first. Raises: NotFoundError."""
    with uow() as work:
        collection = find_collection(collection_ref, caller=caller, work=work)
        return work.consents.of_subject(find_subject(collection.id, subject, work=work).id)


def withdraw_consent(
    collection_ref: str,
    subject: str,
    consent_id: UUID,
    *,
    receipts: Receipts,
    caller: Caller,
    uow: UnitOfWorkFactory,
) -> Withdrawal:
    """End a consent, and with it every other of the subject, and erase the subject's faces.

    A face cannot be used for one purpose and not for another. All of it is one transaction, with a
    receipt of the faces where there were any.
    Raises: NotFoundError.
    """
    with uow() as work:
        collection = find_collection(collection_ref, caller=caller, work=work)
        work.collections.lock_alone(collection.id)
        of = find_subject(collection.id, subject, work=work)
        if all(one.id != consent_id for one in work.consents.of_subject(of.id)):
            raise NotFoundError("The subject has no such consent.")
        work.consents.withdraw(of.id, at=receipts.clock.now())
        erased = erase_for_want_of_consent(
            work, collection.id, of.id, receipts=receipts, owner_id=caller.owner_id
        )
        withdrawn = Withdrawal(
            consent=_found(work, of.id, consent_id),
            faces_erased=erased,
            held=is_held(work, collection.id, of.id),
        )
        work.audit.record(
            Action.WITHDRAW_CONSENT, consent_id, subject=str(of.id), faces=withdrawn.faces_erased
        )
        work.commit()
    return withdrawn


def _found(work: UnitOfWork, subject_id: UUID, consent_id: UUID) -> Consent:
    return next(one for one in work.consents.of_subject(subject_id) if one.id == consent_id)
