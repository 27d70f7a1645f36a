"""Who may be enrolled: only people with a valid consent, where one is required.

A recorded consent also binds where none is required: a person who has withdrawn it, or whose
consents have expired, is enrolled again only under a new one.

Everything that writes faces holds the collection before it asks here, and everything that ends a
consent or changes the rule holds it alone, so that no face is written by an answer that is no
longer true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.consent import Consent, ConsentTerms
from app.domain.erasure import Erased
from app.domain.errors import ConflictError, ConsentRequiredError
from app.domain.identity import new_id
from app.domain.job_parameters import EnrolmentParameters
from app.domain.setback import Chore
from app.services.isolation import apart
from app.services.people.hold_rules import is_held

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.collection import Collection, Subject
    from app.services.erasure.receipts import Receipts
    from app.services.ports import UnitOfWork, UnitOfWorkFactory


def require_consent(
    work: UnitOfWork, collection: Collection, subject: Subject | None, *, now: datetime
) -> None:
    """Refuse faces of a subject, or without one. Raises: ConsentRequiredError."""
    admitted_terms(work, collection, subject, EnrolmentParameters(), since=now, now=now)


def merge_consents(
    work: UnitOfWork, collection: Collection, subject: Subject, into: Subject, *, now: datetime
) -> None:
    """Give a subject's consents to the one that is to have its faces.

    Raises: ConsentRequiredError: that one has ended all of its own.
    """
    if work.consents.of_subject(into.id):
        require_consent(work, collection, into, now=now)
    work.consents.move(subject.id, into=into.id)


def admitted_terms(
    work: UnitOfWork,
    collection: Collection,
    subject: Subject | None,
    parameters: EnrolmentParameters,
    *,
    since: datetime,
    now: datetime,
) -> ConsentTerms | None:
    """Return the consent that came with an enrolment's parameters, if it is to be recorded.

    It counts as given at ``since``, when it came, and not if there was a withdrawal after that.
    Raises: ConsentRequiredError: the subject, or a face without one, is refused.
    """
    consents = [] if subject is None else work.consents.of_subject(subject.id)
    valid = [one.terms for one in consents if one.is_valid(now)]
    terms = parameters.consent
    if terms is not None and any(
        one.withdrawn_at is not None and one.withdrawn_at >= since for one in consents
    ):
        terms = None
    if terms is not None and terms.is_open(now):
        return None if terms in valid else terms
    if not valid and (consents or collection.require_consent):
        raise ConsentRequiredError(_what_to_do(parameters, consents))
    return None


def named_subject(
    work: UnitOfWork, collection_id: UUID, parameters: EnrolmentParameters
) -> Subject | None:
    """Return the subject that an enrolment's parameters name, if it is there."""
    if parameters.subject is None:
        return None
    find = work.subjects.find_folded if parameters.any_case else work.subjects.find
    return find(collection_id, parameters.subject)


def require_early(
    work: UnitOfWork, collection_id: UUID | None, parameters: EnrolmentParameters, *, now: datetime
) -> None:
    """Refuse an enrolment that would fail for want of a consent. Raises: ConsentRequiredError.

    The worker asks again: much may happen before it comes to the job.
    """
    collection = work.collections.get(collection_id) if collection_id else None
    if collection is not None and collection.require_consent:
        subject = named_subject(work, collection.id, parameters)
        admitted_terms(work, collection, subject, parameters, since=now, now=now)


def record_consent(
    work: UnitOfWork,
    subject_id: UUID,
    terms: ConsentTerms,
    *,
    given_at: datetime,
    tenant_id: UUID | None = None,
) -> Consent:
    """Store a subject's consent; without a tenant the audit record is the transaction's."""
    consent = Consent(id=new_id(), subject_id=subject_id, terms=terms, given_at=given_at)
    work.consents.add(consent)
    work.audit.record(Action.GIVE_CONSENT, consent.id, tenant_id=tenant_id, subject=str(subject_id))
    return consent


def require_all_covered(work: UnitOfWork, collection_id: UUID, *, now: datetime) -> None:
    """Refuse to require consents of a collection that holds faces without; hold it alone.

    Raises: ConflictError.
    """
    work.collections.lock_alone(collection_id)
    people, faces = work.consents.uncovered(collection_id, now=now)
    if people or faces:
        raise ConflictError(
            f"The collection holds faces of {people} subjects without a valid consent and "
            f"{faces} faces without a subject. Record consents or remove the faces first; see "
            f"GET /v1/collections/{collection_id}/subjects?without_consent=true."
        )


def erase_for_want_of_consent(
    work: UnitOfWork,
    collection_id: UUID,
    subject_id: UUID,
    *,
    receipts: Receipts,
    owner_id: UUID | None,
    tenant_id: UUID | None = None,
) -> int:
    """Erase the faces of a subject none of whose consents is valid any more; return how many.

    The owner and the tenant are those of the receipt, which is left where a face was erased. The
    caller holds the collection alone. What is under a legal hold waits for its end.
    """
    if is_held(work, collection_id, subject_id):
        return 0
    now = receipts.clock.now()
    faces: list[UUID] = []
    if not any(one.is_valid(now) for one in work.consents.of_subject(subject_id)):
        faces = work.faces.labelled_ids(collection_id, subject_id=subject_id)
    if faces:
        rows = work.erasures.people(collection_id, face_ids=faces)
        receipts.leave(
            work,
            Erased.FACES_WITHOUT_CONSENT,
            faces,
            rows,
            owner_id=owner_id,
            tenant_id=tenant_id,
        )
    work.consents.settle(subject_id, now=now)
    return len(faces)


def erase_after_consents(receipts: Receipts, *, limit: int, uow: UnitOfWorkFactory) -> None:
    """Erase the faces of those whose consents have ended, each in a transaction of its own.

    A person for whom that fails is set aside; the others' faces are still erased.
    """
    with uow() as work:
        ended = work.consents.ended(now=receipts.clock.now(), limit=limit)
    for one in ended:
        with apart(Chore.CONSENTS, one.subject_id, uow=uow), uow() as work:
            work.collections.lock_alone(one.collection_id)
            faces = erase_for_want_of_consent(
                work,
                one.collection_id,
                one.subject_id,
                receipts=receipts,
                owner_id=None,
                tenant_id=one.tenant_id,
            )
            if faces:
                work.audit.record(
                    Action.EXPIRE_CONSENT,
                    one.subject_id,
                    target_kind="subject",
                    tenant_id=one.tenant_id,
                    faces=faces,
                )
            work.commit()


def _what_to_do(parameters: EnrolmentParameters, consents: list[Consent]) -> str:
    if parameters.subject is None and not consents:
        return (
            "The collection accepts only faces of subjects who have consented. Name the subject "
            "and its consent."
        )
    if consents:
        return "Every consent of this subject has ended. Record a new one, then enrol."
    return (
        "The collection accepts only faces of subjects who have consented. Record the consent of "
        "this one, or send it as consent_purpose and consent_text_version."
    )
