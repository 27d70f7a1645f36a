"""Make, find, rename, merge and remove the subjects of a collection.

What takes a ``work`` is a step of a use case, for any API that has one of its own: it does not
commit, and leaves the audit record and the receipt that belong to it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.erasure import Erased
from app.domain.errors import ConflictError, NotFoundError
from app.domain.naming import as_uuid
from app.services.erasure.receipts import Erasure
from app.services.people.collections import find_collection
from app.services.people.consent_rules import merge_consents
from app.services.people.hold_rules import require_nothing_held, require_unheld

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.caller import Caller
    from app.domain.collection import Collection, Subject
    from app.domain.job import Job
    from app.services.erasure.receipts import Receipts
    from app.services.ports import UnitOfWork, UnitOfWorkFactory


def create_subject(
    collection_ref: str,
    name: str,
    *,
    any_case: bool = False,
    caller: Caller,
    uow: UnitOfWorkFactory,
) -> Subject:
    """Store a subject without faces. Raises: NotFoundError. ConflictError: the name is taken.

    With ``any_case`` it is taken also by a name that differs in case alone.
    """
    with uow() as work:
        collection = find_collection(collection_ref, caller=caller, work=work)
        if any_case:
            work.subjects.lock_name(collection.id, name)
        find = work.subjects.find_folded if any_case else work.subjects.find
        if find(collection.id, name) is not None:
            raise ConflictError(
                "The collection already has a subject of this name. Choose another name."
            )
        subject = ensure_subject(work, collection.id, name)
        work.commit()
    return subject


def ensure_subject(work: UnitOfWork, collection_id: UUID, name: str) -> Subject:
    """Return the subject of exactly that name, made if need be."""
    known = work.subjects.find(collection_id, name)
    if known is not None:
        return known
    subject = work.subjects.ensure(collection_id, name)
    work.audit.record(Action.CREATE_SUBJECT, subject.id)
    return subject


def find_subject(collection_id: UUID, reference: str, *, work: UnitOfWork) -> Subject:
    """Return the subject of that id or name. Raises: NotFoundError."""
    subject_id = as_uuid(reference)
    subject = work.subjects.get(subject_id) if subject_id is not None else None
    if subject is None or subject.collection_id != collection_id:
        subject = work.subjects.find(collection_id, reference)
    if subject is None:
        raise NotFoundError("The collection has no such subject.")
    return subject


def get_subject(
    collection_ref: str, reference: str, *, caller: Caller, uow: UnitOfWorkFactory
) -> Subject:
    """Return the subject of that id or name. Raises: NotFoundError."""
    with uow() as work:
        collection = find_collection(collection_ref, caller=caller, work=work)
        return find_subject(collection.id, reference, work=work)


def list_subjects(
    collection_ref: str,
    *,
    name: str | None = None,
    after: str | None,
    limit: int,
    without_consent_at: datetime | None = None,
    caller: Caller,
    uow: UnitOfWorkFactory,
) -> list[Subject]:
    """Return subjects by name, after the given one; at a moment, those without a valid consent.

    With a ``name``, only the one that is called so.

    Raises: NotFoundError.
    """
    with uow() as work:
        collection = find_collection(collection_ref, caller=caller, work=work)
        called = None if name is None else work.subjects.find(collection.id, name)
        if name is not None and called is None:
            return []
        return work.subjects.page(
            collection.id,
            only=None if called is None else called.id,
            after=after,
            limit=limit,
            without_consent_at=without_consent_at,
        )


def rename_subject(
    collection_ref: str, reference: str, name: str, *, caller: Caller, uow: UnitOfWorkFactory
) -> Subject:
    """Give a subject another name. Raises: NotFoundError. ConflictError: it is taken."""
    with uow() as work:
        collection = find_collection(collection_ref, caller=caller, work=work)
        subject = find_subject(collection.id, reference, work=work)
        if subject.name != name:
            give_name(work, subject, name)
            work.commit()
    return replace(subject, name=name)


def give_name(work: UnitOfWork, subject: Subject, name: str) -> None:
    """Give a subject another name. Raises: ConflictError: it is taken."""
    work.subjects.rename(subject.id, name)
    work.audit.record(Action.RENAME_SUBJECT, subject.id)


def merge_subjects(
    work: UnitOfWork, collection: Collection, subject: Subject, into: Subject, *, now: datetime
) -> None:
    """Give a subject's faces and consents to another one, and remove it; hold the collection.

    Raises: LegalHoldError: the one that would go is held. ConsentRequiredError: the other one may
    not be enrolled.
    """
    require_unheld(work, collection.id, subject.id)
    merge_consents(work, collection, subject, into, now=now)
    work.subjects.merge(subject.id, into=into.id)
    work.audit.record(Action.MERGE_SUBJECT, subject.id, into=str(into.id))


def delete_subject(
    collection_ref: str,
    reference: str,
    *,
    receipts: Receipts,
    caller: Caller,
    uow: UnitOfWorkFactory,
) -> Job:
    """Erase a subject from everything that knows it; return the receipt.

    Raises: NotFoundError, LegalHoldError.
    """
    with uow() as work:
        collection = find_collection(collection_ref, caller=caller, work=work)
        subject = find_subject(collection.id, reference, work=work)
        erasure = erase_subject(work, subject, receipts=receipts, caller=caller)
        work.commit()
    return erasure.receipt


def erase_subject(
    work: UnitOfWork, subject: Subject, *, receipts: Receipts, caller: Caller
) -> Erasure:
    """Erase a subject from everything that knows it. Raises: LegalHoldError."""
    require_unheld(work, subject.collection_id, subject.id)
    rows = work.erasures.people(subject.collection_id, subject_ids=[subject.id])
    work.audit.record(Action.DELETE_SUBJECT, subject.id, faces=rows["faces"])
    return Erasure(
        receipt=receipts.leave(work, Erased.SUBJECT, [subject.id], rows, owner_id=caller.owner_id),
        rows=rows,
    )


def erase_all_subjects(
    work: UnitOfWork, collection_id: UUID, *, receipts: Receipts, caller: Caller
) -> Erasure:
    """Erase everybody in a collection, which stays. Raises: LegalHoldError."""
    require_nothing_held(work, collection_id)
    everybody = work.subjects.ids(collection_id)
    rows = work.erasures.people(collection_id, subject_ids=everybody)
    work.audit.record(Action.DELETE_SUBJECTS, collection_id, subjects=rows["subjects"])
    return Erasure(
        receipt=receipts.leave(
            work, Erased.ALL_SUBJECTS, [collection_id], rows, owner_id=caller.owner_id
        ),
        rows=rows,
    )
