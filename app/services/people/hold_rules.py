"""Keep what has to be accounted for from being erased by any caller.

Everything that removes people asks here first, so that it can say what is to be done. It then holds
the collection before what is in it, as writers do, so that neither waits for the other.
Behind it the database refuses by itself, also for ways that did not ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import LegalHoldError

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.legal_hold import LegalHold
    from app.services.ports import UnitOfWork


def require_unheld(work: UnitOfWork, collection_id: UUID, subject_id: UUID | None) -> None:
    """Refuse to remove a subject, one of its faces or, without one, a face that has no subject.

    Raises: LegalHoldError.
    """
    work.collections.lock(collection_id)
    for hold in work.legal_holds.over(collection_id, subject_id):
        raise _refusal(hold)


def require_nothing_held(work: UnitOfWork, collection_id: UUID) -> None:
    """Refuse to remove a collection, or everybody in it. Raises: LegalHoldError."""
    work.collections.lock_alone(collection_id)
    for hold in work.legal_holds.within(collection_id):
        raise _refusal(hold)


def is_held(work: UnitOfWork, collection_id: UUID, subject_id: UUID) -> bool:
    """Tell whether a subject, or the collection that it is in, is held."""
    return bool(work.legal_holds.over(collection_id, subject_id))


def _refusal(hold: LegalHold) -> LegalHoldError:
    path = f"/v1/collections/{hold.collection_id}"
    if hold.subject_id is not None:
        path += f"/subjects/{hold.subject_id}"
    return LegalHoldError(
        "A legal hold forbids the removal. Have an admin lift the hold with "
        f"DELETE {path}/legal-hold, then remove it."
    )
