"""Jobs: claims, leases and the fence around every result."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from sqlalchemy import (
    CursorResult,
    Interval,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from app.domain.audit import Action
from app.domain.backlog import Lane
from app.domain.documents import from_document, required_keys, to_document
from app.domain.errors import NotFoundError
from app.domain.identity import new_id
from app.domain.job import (
    PARAMETERS,
    RESULTS,
    Ending,
    Job,
    JobState,
    JobType,
    Progress,
)
from app.domain.problem import Problem
from app.storage.access.audit import record_parameters
from app.storage.jobs.statements import (
    ADD_JOB,
    CLAIM_NAMED,
    CLAIM_NEXT,
    CLAIM_NEXT_BULK,
    END_JOBS,
    JOB_COLUMNS,
    JOB_ENDED_CHANNEL,
    SELECT_JOB,
    expiry,
)
from app.storage.people.image_keys import decrypt, encrypt, new_key
from app.storage.tables import ImageKeyRow, ImageRow, JobRow

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select, Update

    from app.domain.audit import Detail
    from app.domain.job_results import JobResult
    from app.storage.database.tenancy import TenantSession

_LOG = logging.getLogger(__name__)

#: The ends after which photographs may still be there for the owner to see.
_WITH_PROBES = (JobState.SUCCEEDED, JobState.FAILED)
#: Receipts of erasures outlive whose they are.
_NO_RECEIPT = JobRow.type != JobType.ERASURE
#: The values of a job without a worker.
NO_LEASE: dict[str, None] = {"lease_until": None, "claimed_by": None}


#: Another version may know more, and its jobs are its own.
_TYPES = frozenset(JobType)
_OF_KNOWN_TYPE = JobRow.type.in_(_TYPES)


def job_of(row: Any, *, to_run: bool = False) -> Job:  # noqa: ANN401 - a row of the columns of jobs
    """Return a row as the domain knows it. Raises: ValueError: it cannot be read.

    Words that this version does not know are shown as they stand; who is ``to_run`` the job has to
    know all words that it is asked for with.
    """
    job_type = JobType(row.type)
    return Job(
        id=row.id,
        parameters=from_document(PARAMETERS[job_type], row.parameters, keep_unknown=not to_run),
        state=JobState(row.state),
        tenant_id=row.tenant_id,
        owner_id=row.owner_id,
        collection_id=row.collection_id,
        lane=Lane(row.lane),
        progress=Progress(done=row.done, total=row.total),
        attempt=row.attempt,
        losses=row.losses,
        excused=row.excused,
        result=None if row.result is None else _result_of(job_type, row.result),
        error=None if row.error is None else from_document(Problem, row.error),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        expires_at=row.expires_at,
    )


def _result_of(job_type: JobType, document: Mapping[str, Any]) -> JobResult:
    """Read a result by the first of its type's forms that the document has the keys of."""
    forms = RESULTS[job_type]
    fitting = (form for form in forms if required_keys(form) <= document.keys())
    return from_document(next(fitting, forms[0]), document, keep_unknown=True)


def _report_unreadable(job_id: UUID, error: Exception) -> None:
    _LOG.error(
        "a job cannot be read: %s",
        type(error).__name__,
        extra={"action": "job_unreadable", "job_id": str(job_id)},
    )


def _readable(rows: Iterable[Any]) -> Iterator[Job]:
    for row in rows:
        try:
            yield job_of(row)
        except ValueError as error:
            _report_unreadable(row.id, error)


def _written(value: JobResult | Problem | None) -> dict[str, Any] | None:
    return None if value is None else to_document(value)


def _interval(length: timedelta) -> ColumnElement[timedelta]:
    return literal(length, Interval())


def _held(claim: Job) -> ColumnElement[bool]:
    """Hold for the row only while the claim is the latest and the job still runs."""
    return and_(
        JobRow.id == claim.id,
        JobRow.attempt == claim.attempt,
        JobRow.state == JobState.RUNNING,
    )


class SqlJobRepository:
    """See :class:`app.services.ports.JobRepository`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session

    def _changed(self, statement: Update) -> bool:
        result = self._session.execute(statement)
        return isinstance(result, CursorResult) and result.rowcount > 0

    def add(
        self,
        job: Job,
        *,
        images: Sequence[bytes],
        publish_at: datetime,
        earliest: int = 0,
        behind: int = 0,
    ) -> int:
        keys = [new_key() for _ in images]
        try:
            turn: int = self._session.execute(
                ADD_JOB,
                {
                    "id": job.id,
                    "type": job.type,
                    "state": job.state,
                    "owner_id": job.owner_id,
                    "collection_id": job.collection_id,
                    "lane": job.lane,
                    "parameters": to_document(job.parameters),
                    "total": job.progress.total,
                    "publish_at": publish_at,
                    "created_at": job.created_at,
                    "image_ids": [new_id() for _ in images],
                    "image_data": [encrypt(*pair) for pair in zip(images, keys, strict=True)],
                    "image_keys": keys,
                    "earliest": earliest,
                    "behind": behind,
                    **self._record(job, images=len(images)),
                },
            ).scalar_one()
        except IntegrityError as error:  # of what it refers to, only the collection can be gone
            raise NotFoundError("This collection does not exist.") from error
        return turn

    def _record(self, job: Job, *, images: int) -> dict[str, Any]:
        details: dict[str, Detail] = {"images": images}
        if job.collection_id is not None:
            details["collection"] = str(job.collection_id)
        action = Action(f"{job.type}.submit")
        return record_parameters(self._session, action, job.id, target_kind="job", details=details)

    def get(self, job_id: UUID) -> Job | None:
        row = self._session.execute(SELECT_JOB, {"job_id": job_id}).one_or_none()
        if row is None or not self._session.owns(row) or row.type not in _TYPES:
            return None
        return job_of(row)

    def page(
        self,
        *,
        owner_id: UUID | None,
        states: Iterable[JobState],
        types: Iterable[JobType],
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[Job]:
        query = (
            select(*JOB_COLUMNS).order_by(JobRow.created_at.desc(), JobRow.id.desc()).limit(limit)
        )
        query = query.where(self._session.owned(JobRow), _OF_KNOWN_TYPE)
        if owner_id is not None:
            query = query.where(JobRow.owner_id == owner_id)
        if states:
            query = query.where(JobRow.state.in_(states))
        if types:
            query = query.where(JobRow.type.in_(types))
        place = tuple_(JobRow.created_at, JobRow.id)
        jobs: list[Job] = []
        while True:
            after = [] if before is None else [place < tuple_(*before)]
            rows = self._session.execute(query.where(*after)).all()
            jobs += _readable(rows)
            # As many again stand in for those that cannot be read: the others are not behind them.
            if len(jobs) >= limit or len(rows) < limit:
                return jobs[:limit]
            before = rows[-1].created_at, rows[-1].id

    def claim(
        self,
        job_id: UUID | None,
        *,
        worker: str,
        lease: timedelta,
        companions: int,
        bulk: bool = False,
    ) -> list[tuple[Job, list[bytes]]]:
        return self._claimed(
            CLAIM_NEXT_BULK if bulk else CLAIM_NEXT,
            {"job_id": job_id, "worker": worker, "lease": lease, "companions": companions},
        )

    def claim_named(
        self, job_id: UUID, *, worker: str, lease: timedelta
    ) -> tuple[Job, list[bytes]] | None:
        values = {"job_id": job_id, "worker": worker, "lease": lease}
        return next(iter(self._claimed(CLAIM_NAMED, values)), None)

    def _claimed(
        self, statement: Select[Any], values: Mapping[str, object]
    ) -> list[tuple[Job, list[bytes]]]:
        claims: dict[UUID, tuple[Job, list[bytes]]] = {}
        unreadable: set[UUID] = set()
        for row in self._session.execute(statement, values):
            try:
                if row.id not in claims:
                    models = tuple(filter(None, (row.model, row.second_model)))
                    claims[row.id] = replace(job_of(row, to_run=True), models=models), []
                if row.image is not None:
                    claims[row.id][1].append(decrypt(row.image, row.key))
            except (ValueError, InvalidTag) as error:
                unreadable.add(row.id)
                _report_unreadable(row.id, error)
        # Its lease lapses, and the loss counts: no other job waits behind it.
        return [claim for job_id, claim in claims.items() if job_id not in unreadable]

    def extend(self, claims: Sequence[Job], lease: timedelta) -> set[UUID]:
        rows = self._session.execute(
            update(JobRow)
            .where(or_(*(_held(claim) for claim in claims)))
            .values(lease_until=func.now() + _interval(lease))
            .returning(JobRow.id)
        )
        return set(rows.scalars())

    def report(self, claim: Job, done: int) -> None:
        self._session.execute(update(JobRow).where(_held(claim)).values(done=done))

    def retry(self, claim: Job, *, publish_at: datetime, excused: bool = False) -> bool:
        return self._changed(
            update(JobRow)
            .where(_held(claim))
            .values(
                state=JobState.QUEUED,
                publish_at=publish_at,
                excused=JobRow.excused + int(excused),
                **NO_LEASE,
            )
        )

    def advance(self, claim: Job, *, done: int, publish_at: datetime) -> None:
        self._session.execute(
            update(JobRow)
            .where(_held(claim))
            .values(
                state=JobState.QUEUED,
                done=done,
                total=func.greatest(JobRow.total, done),
                publish_at=publish_at,
                publishes=1,
                losses=0,
                excused=JobRow.attempt,
                **NO_LEASE,
            )
        )

    def postpone(self, job_id: UUID, *, publish_at: datetime) -> None:
        self._session.execute(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.state == JobState.QUEUED)
            .values(publish_at=publish_at, publishes=1)
        )

    def lock(self, claim: Job) -> bool:
        query = select(JobRow.id).where(_held(claim)).with_for_update()
        return self._session.execute(query).one_or_none() is not None

    def finish(self, endings: Sequence[Ending], *, expires_at: datetime) -> tuple[list[Job], bool]:
        rows = self._session.execute(
            END_JOBS,
            {
                "endings": [
                    {
                        "id": str(ending.claim.id),
                        "attempt": ending.claim.attempt,
                        "state": ending.state,
                        "result": _written(ending.result),
                        "error": _written(ending.error),
                    }
                    for ending in endings
                ],
                "expires_at": expires_at,
                "keep_images": [image for ending in endings for image in ending.keep_images],
            },
        ).all()
        times = {row.id: (row.finished_at, row.expires_at) for row in rows}
        ended = [ending for ending in endings if ending.claim.id in times]
        self._keep([image for ending in ended for image in ending.keep_images])
        jobs = [
            replace(
                ending.claim,
                state=ending.state,
                result=ending.result,
                error=ending.error,
                finished_at=times[ending.claim.id][0],
                expires_at=times[ending.claim.id][1],
            )
            for ending in ended
        ]
        return jobs, any(row.heard for row in rows)

    def image_ids(self, job_id: UUID) -> list[UUID]:
        query = select(ImageRow.id).where(ImageRow.job_id == job_id).order_by(ImageRow.number)
        return list(self._session.scalars(query))

    def probe(self, job_id: UUID, number: int) -> bytes | None:
        row = self._session.execute(
            select(ImageRow.data, ImageKeyRow.key)
            .join(JobRow, JobRow.id == ImageRow.job_id)
            .outerjoin(ImageKeyRow, ImageKeyRow.image_id == ImageRow.id)
            .where(
                ImageRow.job_id == job_id,
                ImageRow.number == number,
                JobRow.state.in_(_WITH_PROBES),
            )
        ).one_or_none()
        return None if row is None else decrypt(row.data, row.key)

    def drop_probes(self, collection_id: UUID) -> None:
        ended = select(JobRow.id).where(
            JobRow.collection_id == collection_id, JobRow.state.in_(_WITH_PROBES)
        )
        self._session.execute(delete(ImageRow).where(ImageRow.job_id.in_(ended.scalar_subquery())))

    def cancel(self, job_id: UUID, *, expires_at: datetime) -> bool:
        cancelled = self._changed(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.state.in_([JobState.QUEUED, JobState.RUNNING]))
            .values(
                state=JobState.CANCELLED,
                finished_at=func.now(),
                expires_at=expiry(literal(expires_at)),
                **NO_LEASE,
            )
        )
        if cancelled:
            self._session.execute(delete(ImageRow).where(ImageRow.job_id == job_id))
            self._ring(job_id)
        return cancelled

    def requeue(self, job_id: UUID, *, publish_at: datetime) -> bool:
        return self._changed(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.state == JobState.DEAD)
            .values(
                state=JobState.QUEUED,
                # The attempt number goes on: it fences off a worker that still holds an old claim.
                losses=0,
                excused=JobRow.attempt,
                error=None,
                publish_at=publish_at,
                publishes=1,
                requeued_at=func.now(),
                finished_at=None,
                expires_at=None,
            )
        )

    def delete(self, job_id: UUID) -> None:
        self._session.execute(delete(JobRow).where(JobRow.id == job_id))

    def delete_owned(self, owner_id: UUID) -> None:
        self._session.execute(delete(JobRow).where(JobRow.owner_id == owner_id, _NO_RECEIPT))

    def delete_ended(self, owner_id: UUID) -> None:
        ended = [state for state in JobState if state.is_terminal]
        self._session.execute(
            delete(JobRow).where(JobRow.owner_id == owner_id, JobRow.state.in_(ended), _NO_RECEIPT)
        )

    def bury(self, job: Job, *, error: Problem, expires_at: datetime) -> bool:
        buried = self._changed(
            update(JobRow)
            .where(JobRow.id == job.id, JobRow.attempt == job.attempt, JobRow.state == job.state)
            .values(
                state=JobState.DEAD,
                error=to_document(error),
                finished_at=func.now(),
                expires_at=expiry(literal(expires_at)),
                **NO_LEASE,
            )
        )
        if buried:
            self._ring(job.id)
        return buried

    def counts(self) -> dict[tuple[JobType, JobState], int]:
        query = select(JobRow.type, JobRow.state, func.count())
        query = query.where(self._session.owned(JobRow), _OF_KNOWN_TYPE)
        query = query.group_by(JobRow.type, JobRow.state)
        return {
            (JobType(kind), JobState(state)): number
            for kind, state, number in self._session.execute(query)
        }

    def _keep(self, images: Sequence[UUID]) -> None:
        """Let images belong to faces alone."""
        if images:
            self._session.execute(
                update(ImageRow).where(ImageRow.id.in_(images)).values(job_id=None)
            )

    def _ring(self, job_id: UUID) -> None:
        self._session.execute(select(func.pg_notify(JOB_ENDED_CHANNEL, str(job_id))))
