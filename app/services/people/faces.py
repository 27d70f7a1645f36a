"""Look up, relabel and remove enrolled faces.

What takes a ``work`` is a step of a use case, for any API that has one of its own: it does not
commit, and leaves the audit record and the receipt that belong to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.erasure import Erased
from app.domain.errors import NotFoundError
from app.services.erasure.receipts import Erasure
from app.services.people.collections import find_collection
from app.services.people.consent_rules import require_consent
from app.services.people.hold_rules import require_nothing_held, require_unheld
from app.services.people.subjects import ensure_subject, find_subject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.domain.caller import Caller
    from app.domain.collection import Face
    from app.domain.job import Job
    from app.services.erasure.receipts import Receipts
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory


def list_faces(
    collection_ref: str,
    *,
    subject: str | None,
    after: UUID | None,
    limit: int,
    caller: Caller,
    uow: UnitOfWorkFactory,
) -> list[Face]:
    """Return faces by id, after the given one, of one subject where one is given.

    Raises: NotFoundError: there is no such collection or subject.
    """
    with uow() as work:
        collection = find_collection(collection_ref, caller=caller, work=work)
        of = find_subject(collection.id, subject, work=work).id if subject is not None else None
        return work.faces.page(collection.id, subject_id=of, after=after, limit=limit)


def get_face(collection_ref: str, face_id: UUID, *, caller: Caller, uow: UnitOfWorkFactory) -> Face:
    """Return a face of the collection. Raises: NotFoundError."""
    with uow() as work:
        return _find_face(collection_ref, face_id, caller=caller, work=work)


def get_face_image(
    collection_ref: str, face_id: UUID, *, caller: Caller, uow: UnitOfWorkFactory
) -> bytes:
    """Return the kept photograph of a face. Raises: NotFoundError: also when none was kept."""
    with uow() as work:
        image = work.faces.image(_find_face(collection_ref, face_id, caller=caller, work=work).id)
        if image is None:
            raise NotFoundError("The photograph of this face was not kept.")
        work.audit.record(Action.READ_PHOTOGRAPH, face_id)
        work.commit()
    return image


def relabel_face(
    collection_ref: str,
    face_id: UUID,
    *,
    subject: str | None,
    not_subject: str | None,
    caller: Caller,
    uow: UnitOfWorkFactory,
    clock: Clock,
) -> Face:
    """Set whom a face shows (made if need be) or whom it does not show; neither is possible too.

    Raises: NotFoundError: there is no such face, or no such subject to rule out. LegalHoldError:
    whom it showed so far is held. ConsentRequiredError: there is none of whom it is to show.
    """
    with uow() as work:
        face = _find_face(collection_ref, face_id, caller=caller, work=work)
        collection = work.collections.lock(face.collection_id)
        if collection is None:
            raise NotFoundError("The collection was deleted meanwhile.")
        shows = None if subject is None else ensure_subject(work, collection.id, subject)
        shown = None if shows is None else shows.id
        if shown != face.subject_id:
            require_unheld(work, collection.id, face.subject_id)
            require_consent(work, collection, shows, now=clock.now())
        ruled_out = (
            find_subject(collection.id, not_subject, work=work).id
            if not_subject is not None
            else None
        )
        work.faces.relabel(face.id, subject_id=shown, rejected_subject_id=ruled_out)
        work.audit.record(Action.RELABEL_FACE, face.id)
        relabelled = _find_face(collection_ref, face_id, caller=caller, work=work)
        work.commit()
    return relabelled


def delete_face(
    collection_ref: str,
    face_id: UUID,
    *,
    receipts: Receipts,
    caller: Caller,
    uow: UnitOfWorkFactory,
) -> Job:
    """Erase a face and the photograph that only it uses; return the receipt.

    Raises: NotFoundError, LegalHoldError.
    """
    with uow() as work:
        face = _find_face(collection_ref, face_id, caller=caller, work=work)
        erasure = erase_faces(work, face.collection_id, [face], receipts=receipts, caller=caller)
        work.commit()
    return erasure.receipt


def erase_faces(
    work: UnitOfWork,
    collection_id: UUID,
    faces: Sequence[Face],
    *,
    receipts: Receipts,
    caller: Caller,
) -> Erasure:
    """Erase faces of a collection and the photographs that only they use.

    Raises: LegalHoldError.
    """
    for face in faces:
        require_unheld(work, collection_id, face.subject_id)
    ids = [face.id for face in faces]
    rows = work.erasures.people(collection_id, face_ids=ids)
    for face_id in ids:
        work.audit.record(Action.DELETE_FACE, face_id)
    return Erasure(
        receipt=receipts.leave(work, Erased.FACE, ids, rows, owner_id=caller.owner_id), rows=rows
    )


def erase_all_faces(
    work: UnitOfWork, collection_id: UUID, *, receipts: Receipts, caller: Caller
) -> Erasure:
    """Erase every face that has a subject; the subjects stay. Raises: LegalHoldError."""
    require_nothing_held(work, collection_id)
    rows = work.erasures.people(collection_id, face_ids=work.faces.labelled_ids(collection_id))
    work.audit.record(Action.DELETE_FACES, collection_id, faces=rows["faces"])
    return Erasure(
        receipt=receipts.leave(
            work, Erased.ALL_FACES, [collection_id], rows, owner_id=caller.owner_id
        ),
        rows=rows,
    )


def _find_face(collection_ref: str, face_id: UUID, *, caller: Caller, work: UnitOfWork) -> Face:
    collection = find_collection(collection_ref, caller=caller, work=work)
    face = work.faces.get(face_id)
    if face is None or face.collection_id != collection.id:
        raise NotFoundError("The collection has no such face.")
    return face
