"""Make, find, rename and remove the subjects of a collection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.erasure import Erased
from app.domain.errors import ConflictError, NotFoundError
from app.domain.naming import as_uuid, subject_name
from app.services.people.collections import find_collection
from app.services.people.hold_rules import require_unheld

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.access import ApiKey
    from app.domain.collection import Subject
    from app.domain.job import Job
    from app.services.erasure.receipts import Receipts
    from app.services.ports import UnitOfWork, UnitOfWorkFactory


def create_subject(collection: str, name: str, *, key: ApiKey, uow: UnitOfWorkFactory) -> Subject:
    """Store a subject without faces. Raises: NotFoundError. ConflictError: the name is taken."""
    with uow() as work:
        home = find_collection(collection, key=key, work=work)
        if work.subjects.find(home.id, name) is not None:
            raise ConflictError("the collection has a subject of this name already")
        subject = work.subjects.ensure(home.id, name)
        work.audit.record(Action.CREATE_SUBJECT, subject.id)
        work.commit()
    return subject


def find_subject(collection_id: UUID, reference: str, *, work: UnitOfWork) -> Subject:
    """Return the subject of that id or name. Raises: NotFoundError."""
    subject_id = as_uuid(reference)
    subject = work.subjects.get(subject_id) if subject_id is not None else None
    if subject is None or subject.collection_id != collection_id:
        try:
            subject = work.subjects.find(collection_id, subject_name(reference))
        except ValueError:
            subject = None
    if subject is None:
        raise NotFoundError("there is no such subject in the collection")
    return subject


def get_subject(collection: str, reference: str, *, key: ApiKey, uow: UnitOfWorkFactory) -> Subject:
    """Return the subject of that id or name. Raises: NotFoundError."""
    with uow() as work:
        home = find_collection(collection, key=key, work=work)
        return find_subject(home.id, reference, work=work)


def list_subjects(
    collection: str,
    *,
    after: str | None,
    limit: int,
    without_consent_at: datetime | None = None,
    key: ApiKey,
    uow: UnitOfWorkFactory,
) -> list[Subject]:
    """Return subjects by name, after the given one; at a moment, those without a valid consent.

    Raises: NotFoundError.
    """
    with uow() as work:
        home = find_collection(collection, key=key, work=work)
        return work.subjects.page(
            home.id, after=after, limit=limit, without_consent_at=without_consent_at
        )


def rename_subject(
    collection: str, reference: str, name: str, *, key: ApiKey, uow: UnitOfWorkFactory
) -> Subject:
    """Give a subject another name. Raises: NotFoundError. ConflictError: it is taken."""
    with uow() as work:
        home = find_collection(collection, key=key, work=work)
        subject = find_subject(home.id, reference, work=work)
        if subject.name != name:
            work.subjects.rename(subject.id, name)
            work.audit.record(Action.RENAME_SUBJECT, subject.id)
            work.commit()
    return replace(subject, name=name)


def delete_subject(
    collection: str, reference: str, *, receipts: Receipts, key: ApiKey, uow: UnitOfWorkFactory
) -> Job:
    """Erase a subject from everything that knows it; return the receipt.

    Raises: NotFoundError, LegalHoldError.
    """
    with uow() as work:
        home = find_collection(collection, key=key, work=work)
        subject = find_subject(home.id, reference, work=work)
        require_unheld(work, home.id, subject.id)
        rows = work.erasures.people(home.id, subject_ids=[subject.id])
        receipt = receipts.leave(work, Erased.SUBJECT, [subject.id], rows, owner_id=key.id)
        work.audit.record(Action.DELETE_SUBJECT, subject.id)
        work.commit()
    return receipt
