"""The subjects of a service and their examples, by names whose case does not matter.

A deletion takes the ended jobs of the service with it, since their results tell of the people they
found, and leaves a receipt. What is under a legal hold is not deleted: LegalHoldError.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.errors import NotFoundError
from app.services.people.faces import erase_all_faces, erase_faces
from app.services.people.subjects import (
    erase_all_subjects,
    erase_subject,
    give_name,
    merge_subjects,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.domain.caller import Caller
    from app.domain.collection import Face
    from app.domain.compreface import Service
    from app.domain.embedding import Embedding
    from app.domain.matching import Candidate
    from app.services.erasure.receipts import Receipts
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """A part of the examples of a service, and how many there are in all."""

    faces: Sequence[Face]
    total: int


def collection_id_of(service: Service) -> UUID:
    """Return the id of the collection of a recognition service."""
    if service.collection_id is None:
        raise ValueError("Only a recognition service has a collection.")
    return service.collection_id


def model_of(service: Service, *, uow: UnitOfWorkFactory) -> str:
    """Return the model that a recognition service is searched by. Raises: NotFoundError."""
    with uow() as work:
        collection = work.collections.get(collection_id_of(service))
    if collection is None:
        raise NotFoundError("The service was deleted meanwhile.")
    return collection.model


def subject_names(service: Service, *, uow: UnitOfWorkFactory) -> list[str]:
    """Return the names of all subjects in order."""
    with uow() as work:
        return work.subjects.names(collection_id_of(service))


def stored_name(service: Service, name: str, *, uow: UnitOfWorkFactory) -> str | None:
    """Return the name of the subject that is called exactly so, else so in its clean form."""
    with uow() as work:
        subject = work.subjects.find(collection_id_of(service), name)
    return None if subject is None else subject.name


def rename_or_merge(
    service: Service, name: str, new: str, *, uow: UnitOfWorkFactory, clock: Clock
) -> bool:
    """Give a subject another name, or its examples and consents to the subject that has it.

    ``False`` means that the name is the same. Raises: NotFoundError. LegalHoldError: the subject
    that would go is held. ConsentRequiredError: the other one may not be enrolled.
    """
    with uow() as work:
        collection = work.collections.lock(collection_id_of(service))
        subject = work.subjects.find_folded(collection_id_of(service), name)
        if subject is None:
            raise NotFoundError("This subject does not exist.")
        if subject.name == new:
            return False
        other = work.subjects.find_folded(collection_id_of(service), new)
        if other is None or other.id == subject.id:
            give_name(work, subject, new)
        elif collection is not None:
            merge_subjects(work, collection, subject, other, now=clock.now())
        _commit_erasure(work, service)
    return True


def delete_subject(
    service: Service, name: str, *, receipts: Receipts, caller: Caller, uow: UnitOfWorkFactory
) -> str:
    """Remove a subject with its examples; return its stored name. Raises: NotFoundError."""
    with uow() as work:
        subject = work.subjects.find_folded(collection_id_of(service), name)
        if subject is None:
            raise NotFoundError("This subject does not exist.")
        erase_subject(work, subject, receipts=receipts, caller=caller)
        _commit_erasure(work, service)
    return subject.name


def delete_all_subjects(
    service: Service, *, receipts: Receipts, caller: Caller, uow: UnitOfWorkFactory
) -> int:
    """Remove all subjects with their examples; return how many subjects."""
    with uow() as work:
        erasure = erase_all_subjects(
            work, collection_id_of(service), receipts=receipts, caller=caller
        )
        _commit_erasure(work, service)
    return erasure.rows["subjects"]


def list_examples(
    service: Service, *, subject: str | None, offset: int, limit: int, uow: UnitOfWorkFactory
) -> Examples:
    """Return a part of the examples, of one subject where one is given, spelt exactly so."""
    collection_id = collection_id_of(service)
    with uow() as work:
        subject_id = None
        if subject is not None:
            found = work.subjects.find(collection_id, subject)
            if found is None:
                return Examples(faces=[], total=0)
            subject_id = found.id
        return Examples(
            faces=work.faces.slice(
                collection_id, subject_id=subject_id, offset=offset, limit=limit
            ),
            total=work.faces.count(collection_id, subject_id=subject_id),
        )


def find_example(service: Service, face_id: UUID, *, uow: UnitOfWorkFactory) -> Face:
    """Return an example. Raises: NotFoundError."""
    with uow() as work:
        face = _face(work, service, face_id)
    if face is None:
        raise NotFoundError("This example does not exist.")
    return face


def nearest_examples(
    service: Service,
    probes: Sequence[Embedding],
    *,
    limit: int,
    face_id: UUID | None = None,
    uow: UnitOfWorkFactory,
) -> list[list[Candidate]]:
    """Return the examples nearest to each probe, best first, or one example alone."""
    collection_id = collection_id_of(service)
    with uow() as work:
        found = [
            work.faces.nearest_faces(probe, collection_id, limit=limit, face_id=face_id)
            for probe in probes
        ]
        work.audit.record(Action.SEARCH_VECTORS, collection_id, vectors=len(probes))
        work.commit()
    return found


def example_image(service: Service, face_id: UUID, *, uow: UnitOfWorkFactory) -> bytes:
    """Return the photograph of an example, or nothing where there is none."""
    with uow() as work:
        face = _face(work, service, face_id)
        image = None if face is None else work.faces.image(face.id)
        if image is None:
            return b""
        work.audit.record(Action.READ_PHOTOGRAPH, face_id)
        work.commit()
    return image


def delete_examples(
    service: Service,
    face_ids: Sequence[UUID],
    *,
    receipts: Receipts,
    caller: Caller,
    uow: UnitOfWorkFactory,
) -> list[Face]:
    """Remove examples; return those that there were, in the order asked for."""
    with uow() as work:
        known = (_face(work, service, face_id) for face_id in dict.fromkeys(face_ids))
        found = [face for face in known if face is not None]
        if found:
            erase_faces(work, collection_id_of(service), found, receipts=receipts, caller=caller)
            _commit_erasure(work, service)
    return found


def delete_examples_of(
    service: Service,
    subject: str | None,
    *,
    receipts: Receipts,
    caller: Caller,
    uow: UnitOfWorkFactory,
) -> int:
    """Remove a subject with its examples, or the examples of all; return how many examples.

    Without a name the subjects themselves stay.
    """
    collection_id = collection_id_of(service)
    with uow() as work:
        if subject is None:
            erasure = erase_all_faces(work, collection_id, receipts=receipts, caller=caller)
        else:
            found = work.subjects.find_folded(collection_id, subject)
            if found is None:
                return 0
            erasure = erase_subject(work, found, receipts=receipts, caller=caller)
        _commit_erasure(work, service)
    return erasure.rows["faces"]


def _face(work: UnitOfWork, service: Service, face_id: UUID) -> Face | None:
    face = work.faces.get(face_id)
    if face is None or face.collection_id != service.collection_id or face.subject is None:
        return None
    return face


def _commit_erasure(work: UnitOfWork, service: Service) -> None:
    work.jobs.delete_ended(service.id)
    work.commit()
