"""Deletions that reach every table, and count what goes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, any_, cast, delete, func, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, JSONPATH
from sqlalchemy.dialects.postgresql import UUID as PgUuid  # noqa: N811 - the name UUID is taken

from app.domain.documents import Keys, to_document
from app.domain.erasure import ExpiredFaces
from app.domain.job import JobType
from app.domain.job_parameters import EnrolmentParameters
from app.domain.job_results import RankedCandidate
from app.domain.setback import Chore
from app.storage.access.tenants import delete_tenant
from app.storage.database.setbacks import not_aside
from app.storage.jobs.repository import job_of
from app.storage.jobs.statements import JOB_COLUMNS, JOB_ENDED_CHANNEL
from app.storage.people.legal_holds import held
from app.storage.search.statements import result_lock
from app.storage.tables import (
    CollectionRow,
    FaceRow,
    IdempotencyKeyRow,
    ImageRow,
    JobRow,
    SubjectRow,
    TrainingRow,
)

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute

    from app.domain.job import Job
    from app.storage.database.tenancy import TenantSession

#: The rows that an erasure counts; an embedding is what the index holds of a face.
_NOBODY = {
    "subjects": 0,
    "faces": 0,
    "embeddings": 0,
    "prototypes": 0,
    "photographs": 0,
    "trainings": 0,
    "jobs": 0,
    "uploads": 0,
    "idempotency_keys": 0,
}


#: The keys by which a job's parameters name subjects, and by which results tell of whom they found.
_ASKED, _FOUND = Keys(EnrolmentParameters), Keys(RankedCandidate)


def _among(column: InstrumentedAttribute[Any], ids: Iterable[UUID]) -> ColumnElement[bool]:
    """Hold where the column is one of any number of ids."""
    return column == any_(literal(list(ids), ARRAY(PgUuid())))


def _texts(values: list[str]) -> ColumnElement[list[str]]:
    return literal(values, ARRAY(Text()))


class SqlErasureRepository:
    """See :class:`app.services.ports.ErasureRepository`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session

    def people(
        self,
        collection_id: UUID,
        *,
        subject_ids: Sequence[UUID] = (),
        face_ids: Sequence[UUID] = (),
        emptied: bool = False,
    ) -> Counter[str]:
        self._await_results(collection_id)
        doomed = {*subject_ids, *(self._emptied(face_ids) if emptied else ())}
        told_of = or_(
            _among(FaceRow.id, face_ids),
            _among(FaceRow.subject_id, doomed),
            _among(FaceRow.rejected_subject_id, doomed) & FaceRow.subject_id.is_(None),
        )
        gone = Counter(_NOBODY)
        gone.update(
            self._forget_jobs(
                JobRow.collection_id == collection_id, self._tells_of(told_of, doomed)
            )
        )
        trainings = TrainingRow.collection_id == collection_id
        prototypes = _among(SubjectRow.id, doomed) & SubjectRow.prototype.is_not(None)
        before = self._count(trainings), self._count(prototypes)
        # A face that is marked as not showing them stays.
        self._session.execute(
            update(FaceRow)
            .where(_among(FaceRow.rejected_subject_id, doomed), FaceRow.subject_id.is_not(None))
            .values(rejected_subject_id=None)
        )
        images = self._delete(FaceRow, told_of, FaceRow.image_id)
        kept = self._count(_among(ImageRow.id, set(images) - {None}))
        gone["subjects"] = len(
            self._delete(SubjectRow, _among(SubjectRow.id, doomed), SubjectRow.id)
        )
        gone["faces"] = gone["embeddings"] = len(images)
        gone["photographs"] = len(set(images) - {None}) - kept
        gone["trainings"] = before[0] - self._count(trainings)
        gone["prototypes"] = before[1]
        return gone

    def collection(self, collection_id: UUID) -> Counter[str]:
        self._await_results(collection_id)
        gone = Counter(_NOBODY)
        faces = FaceRow.collection_id == collection_id
        subjects = SubjectRow.collection_id == collection_id
        gone.update(self._forget_jobs(JobRow.collection_id == collection_id))
        gone["subjects"] = self._count(subjects)
        gone["prototypes"] = self._count(subjects & SubjectRow.prototype.is_not(None))
        gone["faces"] = gone["embeddings"] = self._count(faces)
        gone["photographs"] = self._count(ImageRow.id.in_(select(FaceRow.image_id).where(faces)))
        gone["trainings"] = self._count(TrainingRow.collection_id == collection_id)
        self._session.execute(delete(CollectionRow).where(CollectionRow.id == collection_id))
        return gone

    def tenant(self, tenant_id: UUID) -> Counter[str]:
        gone = Counter(_NOBODY)
        for collection_id in self._session.scalars(
            select(CollectionRow.id).where(CollectionRow.tenant_id == tenant_id)
        ).all():
            gone.update(self.collection(collection_id))
        gone.update(self._forget_jobs(JobRow.tenant_id == tenant_id))
        delete_tenant(self._session, tenant_id)
        return gone

    def expired(self, *, now: datetime, limit: int) -> list[ExpiredFaces]:
        rows = self._session.execute(
            select(FaceRow.id, FaceRow.collection_id, CollectionRow.tenant_id)
            .join(CollectionRow, CollectionRow.id == FaceRow.collection_id)
            .where(
                FaceRow.expires_at <= now,
                ~held(FaceRow.collection_id, FaceRow.subject_id),
                not_aside(Chore.FACES, FaceRow.id),
            )
            .order_by(FaceRow.expires_at)
            .limit(limit)
        )
        found: dict[tuple[UUID, UUID], list[UUID]] = {}
        for row in rows:
            found.setdefault((row.tenant_id, row.collection_id), []).append(row.id)
        return [
            ExpiredFaces(tenant_id=tenant, collection_id=collection_id, face_ids=faces)
            for (tenant, collection_id), faces in found.items()
        ]

    def record(self, receipt: Job) -> Job:
        owner = {} if receipt.tenant_id is None else {"tenant_id": receipt.tenant_id}
        row = self._session.execute(
            insert(JobRow)
            .values(
                **owner,
                id=receipt.id,
                type=receipt.type,
                state=receipt.state,
                owner_id=receipt.owner_id,
                parameters=to_document(receipt.parameters),
                done=0,
                total=0,
                attempt=0,
                losses=0,
                publishes=0,
                publish_at=receipt.created_at,
                result=None if receipt.result is None else to_document(receipt.result),
                created_at=receipt.created_at,
                started_at=receipt.started_at,
                finished_at=receipt.finished_at,
                expires_at=receipt.expires_at,
            )
            .returning(*JOB_COLUMNS)
        ).one()
        return job_of(row)

    def _await_results(self, collection_id: UUID) -> None:
        """Wait for those who search the collection and have not written what they found."""
        lock = func.pg_advisory_xact_lock(result_lock(literal(str(collection_id))))
        self._session.execute(select(lock))

    def _emptied(self, face_ids: Sequence[UUID]) -> list[UUID]:
        """Return the subjects without other faces, and block enrolments for them."""
        shown = select(FaceRow.subject_id).where(_among(FaceRow.id, face_ids))
        held = self._session.scalars(
            select(SubjectRow.id)
            .where(SubjectRow.id.in_(shown))
            .order_by(SubjectRow.id)
            .with_for_update()
        ).all()
        others = select(FaceRow.subject_id).where(
            _among(FaceRow.subject_id, held), ~_among(FaceRow.id, face_ids)
        )
        return sorted(set(held) - set(self._session.scalars(others)))

    def _tells_of(
        self, told_of: ColumnElement[bool], subject_ids: Iterable[UUID]
    ) -> ColumnElement[bool]:
        """Hold for jobs that enrolled, found or name faces and subjects, or would enrol them."""
        faces = self._session.execute(select(FaceRow.id, FaceRow.job_id).where(told_of)).all()
        people = self._session.execute(
            select(SubjectRow.name, func.lower(SubjectRow.name).label("folded")).where(
                _among(SubjectRow.id, subject_ids)
            )
        ).all()
        names = _texts([person.name for person in people])
        folded = _texts([person.folded for person in people])
        subject = JobRow.parameters[_ASKED.subject].as_string()
        ids = [str(one) for one in (*subject_ids, *(face.id for face in faces))]
        named = [
            subject == any_(names),
            JobRow.parameters[_ASKED.not_subject].as_string() == any_(names),
            JobRow.parameters[_ASKED.any_case].as_boolean() & (func.lower(subject) == any_(folded)),
        ]
        found = [
            func.jsonb_path_query_array(
                cast(JobRow.result, JSONB), cast(f"$.**.{role}", JSONPATH), type_=JSONB()
            ).has_any(_texts(ids))
            for role in (_FOUND.subject_id, _FOUND.face_id)
        ]
        return or_(_among(JobRow.id, {face.job_id for face in faces}), *named, *found)

    def _forget_jobs(self, *which: ColumnElement[bool]) -> Counter[str]:
        """Delete jobs with their images and keys, and wake those who wait for them."""
        ids = self._session.scalars(
            select(JobRow.id)
            .where(*which, JobRow.type != JobType.ERASURE)
            .order_by(JobRow.id)
            .with_for_update()
        ).all()
        uploads = self._count(_among(ImageRow.job_id, ids))
        keys = self._delete(
            IdempotencyKeyRow, _among(IdempotencyKeyRow.job_id, ids), IdempotencyKeyRow.job_id
        )
        rung = func.pg_notify(JOB_ENDED_CHANNEL, cast(JobRow.id, Text()))
        jobs = self._delete(JobRow, _among(JobRow.id, ids), rung)
        return Counter(jobs=len(jobs), uploads=uploads, idempotency_keys=len(keys))

    def _count(self, which: ColumnElement[bool]) -> int:
        return self._session.scalar(select(func.count()).where(which)) or 0

    def _delete(self, row: Any, which: ColumnElement[bool], returned: Any) -> Sequence[Any]:  # noqa: ANN401
        return self._session.scalars(delete(row).where(which).returning(returned)).all()
