"""Look up and remove enrolled faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.errors import NotFoundError
from app.services.collections import find_collection
from app.services.subjects import find_subject

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.access import ApiKey
    from app.domain.collection import Face
    from app.services.ports import UnitOfWork, UnitOfWorkFactory


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
) -> Face:
    """Set whom a face shows (made if need be) or whom it does not show; neither is possible too.

    Raises: NotFoundError: there is no such face, or no such subject to rule out.
    """
    with uow() as work:
        face = _find_face(collection, face_id, key=key, work=work)
        home = face.collection_id
        shown = work.subjects.ensure(home, subject).id if subject is not None else None
        ruled_out = (
            find_subject(home, not_subject, work=work).id if not_subject is not None else None
        )
        work.faces.relabel(face.id, subject_id=shown, rejected_subject_id=ruled_out)
        work.audit.record(Action.RELABEL_FACE, face.id)
        relabelled = _find_face(collection, face_id, key=key, work=work)
        work.commit()
    return relabelled


def delete_face(collection: str, face_id: UUID, *, key: ApiKey, uow: UnitOfWorkFactory) -> None:
    """Remove a face and the photograph that only it uses. Raises: NotFoundError."""
    with uow() as work:
        work.faces.delete(_find_face(collection, face_id, key=key, work=work).id)
        work.audit.record(Action.DELETE_FACE, face_id)
        work.commit()


def _find_face(collection: str, face_id: UUID, *, key: ApiKey, work: UnitOfWork) -> Face:
    home = find_collection(collection, key=key, work=work)
    face = work.faces.get(face_id)
    if face is None or face.collection_id != home.id:
        raise NotFoundError("there is no such face in the collection")
    return face
