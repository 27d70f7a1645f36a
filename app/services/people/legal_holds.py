"""Place and lift legal holds; :mod:`app.services.people.hold_rules` is what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.errors import ConflictError, NotFoundError
from app.domain.identity import new_id
from app.domain.legal_hold import LegalHold
from app.services.people.collections import find_collection
from app.services.people.subjects import find_subject

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.caller import Caller
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory


def place_hold(
    collection_ref: str,
    subject: str | None,
    *,
    reference: str,
    caller: Caller,
    uow: UnitOfWorkFactory,
    clock: Clock,
) -> tuple[LegalHold, bool]:
    """Hold a subject, or the whole collection; tell whether the hold is new.

    What was being removed meanwhile is gone when this returns; nothing goes after. Raises:
    NotFoundError. ConflictError: it is held under another reference.
    """
    with uow() as work:
        collection_id, of = _place(collection_ref, subject, caller=caller, work=work)
        work.collections.lock_alone(collection_id)
        standing = work.legal_holds.find(collection_id, of)
        if standing is not None:
            if standing.reference != reference:
                raise ConflictError(
                    f"This is already held under the reference {standing.reference}. Lift that "
                    "hold first, or keep it."
                )
            return standing, False
        hold = LegalHold(
            id=new_id(),
            collection_id=collection_id,
            subject_id=of,
            reference=reference,
            placed_by=caller.require_owner_id(),
            placed_at=clock.now(),
        )
        work.legal_holds.add(hold)
        _record(work, Action.PLACE_HOLD, hold)
        work.commit()
    return hold, True


def get_hold(
    collection_ref: str, subject: str | None, *, caller: Caller, uow: UnitOfWorkFactory
) -> LegalHold:
    """Return the hold on a subject, or on the whole collection. Raises: NotFoundError."""
    with uow() as work:
        return _standing(work, *_place(collection_ref, subject, caller=caller, work=work))


def lift_hold(
    collection_ref: str, subject: str | None, *, caller: Caller, uow: UnitOfWorkFactory
) -> None:
    """Lift a hold; what is overdue goes with the next sweep. Raises: NotFoundError."""
    with uow() as work:
        hold = _standing(work, *_place(collection_ref, subject, caller=caller, work=work))
        work.legal_holds.delete(hold.id)
        _record(work, Action.LIFT_HOLD, hold)
        work.commit()


def _place(
    collection_ref: str, subject: str | None, *, caller: Caller, work: UnitOfWork
) -> tuple[UUID, UUID | None]:
    collection_id = find_collection(collection_ref, caller=caller, work=work).id
    return collection_id, None if subject is None else find_subject(
        collection_id, subject, work=work
    ).id


def _record(work: UnitOfWork, action: Action, hold: LegalHold) -> None:
    held = hold.subject_id or hold.collection_id
    work.audit.record(action, held, target_kind="subject" if hold.subject_id else "collection")


def _standing(work: UnitOfWork, collection_id: UUID, subject_id: UUID | None) -> LegalHold:
    hold = work.legal_holds.find(collection_id, subject_id)
    if hold is None:
        raise NotFoundError("There is no legal hold on exactly this.")
    return hold
