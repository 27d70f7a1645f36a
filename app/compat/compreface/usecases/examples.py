"""The subjects of a service and their examples, by names whose case does not matter.

A deletion takes the ended jobs of the service with it, since their results tell of the people they
found. What is under a legal hold is not deleted: LegalHoldError.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.errors import ConflictError, NotFoundError
from app.services.people.consent_rules import merge_consents
from app.services.people.hold_rules import require_nothing_held, require_unheld

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.domain.collection import Face
    from app.domain.compreface import Service
    from app.domain.embedding import Embedding
    from app.domain.matching import Candidate
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """A part of the examples of a service, and how many there are in all."""

    faces: Sequence[Face]
    total: int


def home_of(service: Service) -> UUID:
    """Return the id of the collection of a recognition service."""
    if service.collection_id is None:
        raise ValueError("only a recognition service has a collection")
    return service.collection_id


def model_of(service: Service, *, uow: UnitOfWorkFactory) -> str:
    """Return the model that a recognition service is searched by. Raises: NotFoundError."""
    with uow() as work:
        home = work.collections.get(home_of(service))
    if home is None:
        raise NotFoundError("the service was deleted meanwhile")
    return home.model


def subject_names(service: Service, *, uow: UnitOfWorkFactory) -> list[str]:
    """Return the names of all subjects in order."""
    with uow() as work:
        return work.subjects.names(home_of(service))


def add_subject(service: Service, name: str, *, uow: UnitOfWorkFactory) -> None:
    """Store a subject without examples. Raises: ConflictError: there is one of that name."""
    with uow() as work:
        work.subjects.hold_name(home_of(service), name)
        if work.subjects.find_folded(home_of(service), name) is not None:
            raise ConflictError("there is a subject of this name")
        subject = work.subjects.ensure(home_of(service), name)
        work.audit.record(Action.CREATE_SUBJECT, subject.id)
        work.commit()


def rename_or_merge(
    service: Service, name: str, new: str, *, uow: UnitOfWorkFactory, clock: Clock
) -> bool:
    """Give a subject another name, or its examples and consents to the subject that has it.

    ``False`` means that the name is the same. Raises: NotFoundError. LegalHoldError: the subject
    that would go is held. ConsentRequiredError: the other one may not be enrolled.
    """
    with uow() as work:
        home = work.collections.hold(home_of(service))
        subject = work.subjects.find_folded(home_of(service), name)
        if subject is None:
            raise NotFoundError("there is no such subject")
        if subject.name == new:
            return False
        other = work.subjects.find_folded(home_of(service), new)
        if other is None or other.id == subject.id:
            work.subjects.rename(subject.id, new)
            work.audit.record(Action.RENAME_SUBJECT, subject.id)
        elif home is not None:
            require_unheld(work, home.id, subject.id)
            merge_consents(work, home, subject, other, now=clock.now())
            work.subjects.merge(subject.id, into=other.id)
            work.audit.record(Action.MERGE_SUBJECT, subject.id, into=str(other.id))
        _commit_erasure(work, service)
    return True


def erase_subject(service: Service, name: str, *, uow: UnitOfWorkFactory) -> str:
    """Remove a subject with its examples; return its stored name. Raises: NotFoundError."""
    with uow() as work:
        subject = work.subjects.find_folded(home_of(service), name)
        if subject is None:
            raise NotFoundError("there is no such subject")
        require_unheld(work, home_of(service), subject.id)
        work.erasures.people(home_of(service), subject_ids=[subject.id])
        work.audit.record(Action.DELETE_SUBJECT, subject.id)
        _commit_erasure(work, service)
    return subject.name


def erase_all_subjects(service: Service, *, uow: UnitOfWorkFactory) -> int:
    """Remove all subjects with their examples; return how many subjects."""
    with uow() as work:
        require_nothing_held(work, home_of(service))
        everybody = work.subjects.ids(home_of(service))
        rows = work.erasures.people(home_of(service), subject_ids=everybody)
        work.audit.record(Action.DELETE_SUBJECTS, home_of(service), subjects=rows["subjects"])
        _commit_erasure(work, service)
    return rows["subjects"]


def list_examples(
    service: Service, *, subject: str | None, offset: int, limit: int, uow: UnitOfWorkFactory
) -> Examples:
    """Return a part of the examples, of one subject where one is given, spelt exactly so."""
    home = home_of(service)
    with uow() as work:
        subject_id = None
        if subject is not None:
            found = work.subjects.find(home, subject)
            if found is None:
                return Examples(faces=[], total=0)
            subject_id = found.id
        return Examples(
            faces=work.faces.slice(home, subject_id=subject_id, offset=offset, limit=limit),
            total=work.faces.count(home, subject_id=subject_id),
        )


def find_example(service: Service, face_id: UUID, *, uow: UnitOfWorkFactory) -> Face:
    """Return an example. Raises: NotFoundError."""
    with uow() as work:
        face = _face(work, service, face_id)
    if face is None:
        raise NotFoundError("there is no such example")
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
    home = home_of(service)
    with uow() as work:
        found = [
            work.faces.nearest_faces(probe, home, limit=limit, face_id=face_id) for probe in probes
        ]
        work.audit.record(Action.SEARCH_VECTORS, home, vectors=len(probes))
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


def erase_examples(
    service: Service, face_ids: Sequence[UUID], *, uow: UnitOfWorkFactory
) -> list[Face]:
    """Remove examples; return those that there were, in the order asked for."""
    with uow() as work:
        known = (_face(work, service, face_id) for face_id in dict.fromkeys(face_ids))
        erased = [face for face in known if face is not None]
        for face in erased:
            require_unheld(work, face.collection_id, face.subject_id)
        work.erasures.people(home_of(service), face_ids=[face.id for face in erased])
        for face in erased:
            work.audit.record(Action.DELETE_FACE, face.id)
        _commit_erasure(work, service)
    return erased


def erase_examples_of(service: Service, subject: str | None, *, uow: UnitOfWorkFactory) -> int:
    """Remove a subject with its examples, or the examples of all; return how many examples.

    Without a name the subjects themselves stay.
    """
    home = home_of(service)
    with uow() as work:
        if subject is None:
            require_nothing_held(work, home)
            rows = work.erasures.people(home, face_ids=work.faces.labelled_ids(home))
            work.audit.record(Action.DELETE_FACES, home, faces=rows["faces"])
        else:
            found = work.subjects.find_folded(home, subject)
            if found is None:
                return 0
            require_unheld(work, home, found.id)
            rows = work.erasures.people(home, subject_ids=[found.id])
            work.audit.record(Action.DELETE_SUBJECT, found.id, faces=rows["faces"])
        _commit_erasure(work, service)
    return rows["faces"]


def _face(work: UnitOfWork, service: Service, face_id: UUID) -> Face | None:
    face = work.faces.get(face_id)
    if face is None or face.collection_id != service.collection_id or face.subject is None:
        return None
    return face


def _commit_erasure(work: UnitOfWork, service: Service) -> None:
    work.jobs.delete_ended(service.id)
    work.commit()
