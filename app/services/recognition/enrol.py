"""Learn a face."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.errors import LowQualityFaceError, NotFoundError
from app.domain.job_results import EnrolledFace, EnrolledImage, EnrolmentResult
from app.domain.selection import select_face
from app.services.jobs.complete import Outcome
from app.services.people.consent_rules import admitted_terms, named_subject, record_consent
from app.services.recognition.model_guard import of_collection
from app.services.recognition.results import image_results, located

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.domain.collection import Collection, Subject
    from app.domain.detection import AnalysedFace, ImageAnalysis
    from app.domain.errors import VultusError
    from app.domain.job import Job
    from app.domain.job_parameters import EnrolmentParameters
    from app.domain.quality import QualityGate
    from app.services.ports import Clock, UnitOfWork


def enrolled(
    work: UnitOfWork,
    job: Job,
    parameters: EnrolmentParameters,
    images: Sequence[ImageAnalysis | VultusError],
    clock: Clock,
) -> Outcome:
    """Store one face of each image, for the named subject or for none; answer with their ids.

    With ``not_subject`` no face like them will be taken for that subject. The quality gate is not
    for these: a face that was mistaken for a person may well be a poor photograph. A consent that
    came with the job is recorded as given when the job was submitted.

    Raises: VultusError: no image shows the one face meant well enough, or there is no valid consent
    where one is needed. ModelChangedError: the collection has come to need vectors of another
    model.
    """
    collection = work.collections.lock(job.collection_id) if job.collection_id else None
    if collection is None:
        raise NotFoundError("The collection was deleted before the face was enrolled.")
    name, ruled_out = parameters.subject, parameters.not_subject
    terms = admitted_terms(
        work,
        collection,
        named_subject(work, collection.id, parameters),
        parameters,
        since=job.created_at,
        now=clock.now(),
    )
    image_ids = work.jobs.image_ids(job.id) if collection.keep_images else []
    expires_at = (
        clock.now() + timedelta(days=collection.retention_days)
        if collection.retention_days is not None
        else None
    )
    subject_id: UUID | None = None
    rejected_id = _known(work, collection, ruled_out) if ruled_out is not None else None
    kept: list[UUID] = []
    face_ids: list[UUID] = []

    def faces(number: int, image: ImageAnalysis) -> list[EnrolledFace]:
        nonlocal subject_id
        face = select_face(image, parameters.face_policy)
        if ruled_out is None:
            _require_quality(face, collection.quality_gate)
        face = of_collection(face, collection)
        if name is not None and subject_id is None:
            subject_id = _subject(work, parameters, collection, name).id
            if terms is not None:
                record_consent(
                    work,
                    subject_id,
                    terms,
                    given_at=job.created_at,
                    tenant_id=job.tenant_id,
                )
        image_id = image_ids[number] if image_ids else None
        face_id = work.faces.add(
            collection_id=collection.id,
            subject_id=subject_id,
            rejected_subject_id=rejected_id,
            job_id=job.id,
            image_number=number,
            image_id=image_id,
            face=face,
            expires_at=expires_at,
            face_id=parameters.face_id,
        )
        if image_id is not None:
            kept.append(image_id)
        face_ids.append(face_id)
        return [EnrolledFace(**located(face), face_id=face_id, subject=name, not_subject=ruled_out)]

    found = image_results(EnrolledImage, images, faces)
    return Outcome(
        result=EnrolmentResult(
            model=collection.model, subject=name, face_ids=tuple(face_ids), images=found
        ),
        keep_images=kept,
    )


def _subject(
    work: UnitOfWork, parameters: EnrolmentParameters, collection: Collection, name: str
) -> Subject:
    if parameters.any_case:
        work.subjects.lock_name(collection.id, name)
    known = named_subject(work, collection.id, parameters)
    return work.subjects.ensure(collection.id, name) if known is None else known


def _require_quality(face: AnalysedFace, gate: QualityGate) -> None:
    reasons = gate.limits.reasons(face.quality)
    if reasons:
        listed = " and ".join(
            f"{one.issue.replace('_', ' ')} ({one.value:.3g} where the limit is {one.limit:g})"
            for one in reasons
        )
        raise LowQualityFaceError(
            f"The face is {listed}. Send a better photograph, or change the quality_gate."
        )


def _known(work: UnitOfWork, collection: Collection, name: str) -> UUID:
    subject = work.subjects.find(collection.id, name)
    if subject is None:
        raise NotFoundError("The collection does not have the subject in not_subject.")
    return subject.id
