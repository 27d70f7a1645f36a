"""Look up and remove enrolled faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.erasure import Erased
from app.domain.errors import NotFoundError
from app.services.people.collections import find_collection
from app.services.people.consent_rules import require_consent
from app.services.people.hold_rules import require_unheld
from app.services.people.subjects import find_subject

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.access import ApiKey
    from app.domain.collection import Face
    from app.domain.job import Job
    from app.services.erasure.receipts import Receipts
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory


def list_faces(
    collection: str,
    *,
    subject: str | None,
    after: UUID | None,
    limit: int,
    key: ApiKey,
    uow: UnitOfWorkFactory,
) -> list[Face]:
    """Return faces by id, after the given one, of one subject where one is given.

    Raises: NotFoundError: there is no such collection or subject.
    """
    with uow() as work:
        home = find_collection(collection, key=key, work=work)
        of = find_subject(home.id, subject, work=work).id if subject is not None else None
        return work.faces.page(home.id, subject_id=of, after=after, limit=limit)


def get_face(collection: str, face_id: UUID, *, key: ApiKey, uow: UnitOfWorkFactory) -> Face:
    """Return a face of the collection. Raises: NotFoundError."""
    with uow() as work:
        return _find_face(collection, face_id, key=key, work=work)


def get_face_image(collection: str, face_id: UUID, *, key: ApiKey, uow: UnitOfWorkFactory) -> bytes:
    """Return the kept photograph of a face. Raises: NotFoundError: also when none was kept."""
    with uow() as work:
        image = work.faces.image(_find_face(collection, face_id, key=key, work=work).id)
        if image is None:
            raise NotFoundError("the photograph of this face was not kept")
        work.audit.record(Action.READ_PHOTOGRAPH, face_id)
        work.commit()
    return image


def relabel_face(
    collection: str,
    face_id: UUID,
    *,
    subject: str | None,
    not_subject: str | None,
    key: ApiKey,
    uow: UnitOfWorkFactory,
    clock: Clock,
) -> Face:
    """Set whom a face shows (made if need be) or whom it does not show; neither is possible too.

    Raises: NotFoundError: there is no such face, or no such subject to rule out. LegalHoldError:
    whom it showed so far is held. ConsentRequiredError: there is none of whom it is to show.
    """
    with uow() as work:
        face = _find_face(collection, face_id, key=key, work=work)
        home = work.collections.hold(face.collection_id)
        if home is None:
            raise NotFoundError("the collection was deleted meanwhile")
        shows = None if subject is None else work.subjects.ensure(home.id, subject)
        shown = None if shows is None else shows.id
        if shown != face.subject_id:
            require_unheld(work, home.id, face.subject_id)
            require_consent(work, home, shows, now=clock.now())
        ruled_out = (
            find_subject(home.id, not_subject, work=work).id if not_subject is not None else None
        )
        work.faces.relabel(face.id, subject_id=shown, rejected_subject_id=ruled_out)
        work.audit.record(Action.RELABEL_FACE, face.id)
        relabelled = _find_face(collection, face_id, key=key, work=work)
        work.commit()
    return relabelled


def delete_face(
    collection: str, face_id: UUID, *, receipts: Receipts, key: ApiKey, uow: UnitOfWorkFactory
) -> Job:
    """Erase a face and the photograph that only it uses; return the receipt.

    Raises: NotFoundError, LegalHoldError.
    """
    with uow() as work:
        face = _find_face(collection, face_id, key=key, work=work)
        require_unheld(work, face.collection_id, face.subject_id)
        rows = work.erasures.people(face.collection_id, face_ids=[face.id])
        receipt = receipts.leave(work, Erased.FACE, [face.id], rows, owner_id=key.id)
        work.audit.record(Action.DELETE_FACE, face.id)
        work.commit()
    return receipt


def _find_face(collection: str, face_id: UUID, *, key: ApiKey, work: UnitOfWork) -> Face:
    home = find_collection(collection, key=key, work=work)
    face = work.faces.get(face_id)
    if face is None or face.collection_id != home.id:
        raise NotFoundError("there is no such face in the collection")
    return face
