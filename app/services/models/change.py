"""Change a collection's model, as its owner asks for it: start, hold, switch, take back, end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.errors import ConflictError, Fault, NotFoundError, ValidationFailedError
from app.domain.identity import new_id
from app.domain.job import Job, JobState, JobType, Progress
from app.domain.job_parameters import ReembeddingParameters
from app.domain.reembedding import Reembedding, ReembeddingState
from app.services.models.switch import activate, take_back
from app.services.people.collections import find_collection

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from uuid import UUID

    from app.domain.caller import Caller
    from app.services.jobs.desk import JobDesk
    from app.services.ports import UnitOfWork

#: When the sweep may wake a job that is held: never.
HELD_FOR = timedelta(days=36_500)

_EMBEDDING, _PAUSED = ReembeddingState.EMBEDDING, ReembeddingState.PAUSED
_READY, _ACTIVE = ReembeddingState.READY, ReembeddingState.ACTIVE
_SETTLING = ReembeddingState.SETTLING


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModel:
    """How a collection is to change its model; the fields are those of ``Reembedding``."""

    model: str
    activate: bool = False
    drop_faces_without_photograph: bool = False
    #: The collection's own thresholds for the new model.
    similarity_threshold: float | None = None
    possible_threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressing:
    """A change beside the job that works on it, which goes before it does."""

    change: Reembedding
    job: Job | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reembeddings:
    """The changes of model of one collection, for one caller."""

    collection: str
    caller: Caller
    desk: JobDesk

    def start(self, wanted: NewModel, *, models: Iterable[str]) -> Progressing:
        """Begin to embed every face by another model, beside what is there.

        Raises: NotFoundError. ValidationFailedError: the model is not known, or the one in use.
        ConflictError: the collection is changing its model already.
        """
        with self.desk.uow() as work:
            collection = find_collection(self.collection, caller=self.caller, work=work)
            others = sorted(set(models) - {collection.model})
            if wanted.model not in others:
                detail = f"Must be one of {', '.join(others)}."
                raise ValidationFailedError([Fault(detail=detail, pointer="#/model")])
            job = self._job(collection.id, work)
            change = Reembedding(
                id=job.id,
                collection_id=collection.id,
                job_id=job.id,
                model=wanted.model,
                former_model=collection.model,
                state=_EMBEDDING,
                activate=wanted.activate,
                drop_faces_without_photograph=wanted.drop_faces_without_photograph,
                other_similarity_threshold=wanted.similarity_threshold,
                other_possible_threshold=wanted.possible_threshold,
                created_at=job.created_at,
            )
            work.reembeddings.add(change)
            work.commit()
        self.desk.put(job)
        return Progressing(change=change, job=job)

    def list(self, *, limit: int) -> list[Progressing]:
        """Return the changes, newest first. Raises: NotFoundError."""
        with self.desk.uow() as work:
            collection = find_collection(self.collection, caller=self.caller, work=work)
            found = work.reembeddings.page(collection.id, limit=limit)
            return [Progressing(change=one, job=work.jobs.get(one.job_id)) for one in found]

    def get(self, change_id: UUID) -> Progressing:
        """Return a change. Raises: NotFoundError."""
        with self.desk.uow() as work:
            return self._progressing(self._found(change_id, work), work)

    def pause(self, change_id: UUID) -> Progressing:
        """Let no more faces be embedded for now. Raises: NotFoundError, ConflictError."""
        with self.desk.uow() as work:
            found = self._found(change_id, work)
            # Before the change is locked, as a worker locks first the one and then the other.
            work.jobs.postpone(found.job_id, publish_at=self.desk.clock.now() + HELD_FOR)
            change = replace(self._locked(found, work, _EMBEDDING), state=_PAUSED)
            work.reembeddings.update(change)
            work.audit.record(Action.PAUSE_REEMBEDDING, change_id)
            work.commit()
            return self._progressing(change, work)

    def resume(self, change_id: UUID) -> Progressing:
        """Go on after a pause, or with a new job where the last one was given up.

        Raises: NotFoundError, ConflictError.
        """
        with self.desk.uow() as work:
            found = self._found(change_id, work)
            wake = self.desk.clock.now() + self.desk.rules.republish_after
            work.jobs.postpone(found.job_id, publish_at=wake)
            change = replace(self._locked(found, work, _PAUSED, _EMBEDDING), state=_EMBEDDING)
            if self._is_stalled(change, work):
                change = replace(change, job_id=self._job(change.collection_id, work).id)
            work.reembeddings.update(change)
            work.audit.record(Action.RESUME_REEMBEDDING, change_id)
            work.commit()
        self.desk.queue.put_job(change.job_id, JobType.REEMBEDDING)
        return self.get(change_id)

    def activate(self, change_id: UUID, *, drop_faces_without_photograph: bool) -> Progressing:
        """Search by the new model from now on.

        Raises: NotFoundError, ConflictError. FacesLeftBehindError: see ``switch.activate``.
        """
        with self.desk.uow() as work:
            change = self._locked(self._found(change_id, work), work, _READY, _ACTIVE)
            if change.state is _READY:
                if drop_faces_without_photograph:
                    change = replace(change, drop_faces_without_photograph=True)
                change = activate(work, change, clock=self.desk.clock)
                work.audit.record(Action.ACTIVATE_REEMBEDDING, change_id)
                work.commit()
            return self._progressing(change, work)

    def roll_back(self, change_id: UUID) -> Progressing:
        """Search by the former model again; the new vectors stay. Raises: as ``activate``."""
        with self.desk.uow() as work:
            change = self._locked(self._found(change_id, work), work, _ACTIVE, _READY)
            if change.state is _ACTIVE:
                change = take_back(work, change, clock=self.desk.clock)
                work.audit.record(Action.ROLL_BACK_REEMBEDDING, change_id)
                work.commit()
            return self._progressing(change, work)

    def finish(self, change_id: UUID) -> Progressing:
        """Give up the former vectors for good. Raises: NotFoundError, ConflictError."""
        return self._settle(change_id, _ACTIVE)

    def cancel(self, change_id: UUID) -> Progressing:
        """Give up the new vectors. Raises: NotFoundError, ConflictError."""
        return self._settle(change_id, _EMBEDDING, _PAUSED, _READY)

    def _settle(self, change_id: UUID, *states: ReembeddingState) -> Progressing:
        with self.desk.uow() as work:
            change = self._locked(self._found(change_id, work), work, *states, _SETTLING)
            if change.state is _SETTLING and not self._is_stalled(change, work):
                return self._progressing(change, work)
            before = change.job_id
            job = self._job(change.collection_id, work)
            change = replace(change, state=_SETTLING, job_id=job.id, cursor=None)
            work.reembeddings.update(change)
            work.commit()
        self.desk.cancel(before)
        self.desk.put(job)
        return Progressing(change=change, job=job)

    def _job(self, collection_id: UUID, work: UnitOfWork) -> Job:
        now = self.desk.clock.now()
        job = Job(
            id=new_id(),
            parameters=ReembeddingParameters(),
            state=JobState.QUEUED,
            owner_id=self.caller.owner_id,
            collection_id=collection_id,
            progress=Progress(total=work.reembeddings.count_faces(collection_id)),
            created_at=now,
        )
        work.jobs.add(job, images=(), publish_at=now + self.desk.rules.republish_after)
        return job

    def _found(self, change_id: UUID, work: UnitOfWork) -> Reembedding:
        collection = find_collection(self.collection, caller=self.caller, work=work)
        change = work.reembeddings.get(change_id)
        if change is None or change.collection_id != collection.id:
            raise NotFoundError("The collection has no such change of model.")
        return change

    def _locked(
        self, found: Reembedding, work: UnitOfWork, *states: ReembeddingState
    ) -> Reembedding:
        change = work.reembeddings.lock(found.id)
        if change is None:
            raise NotFoundError("The collection has no such change of model.")
        if change.state not in states:
            raise ConflictError(
                f"The change of model is {change.state}. Ask for this while it is "
                f"{' or '.join(states)}."
            )
        return change

    def _is_stalled(self, change: Reembedding, work: UnitOfWork) -> bool:
        job = work.jobs.get(change.job_id)
        return job is None or job.state.is_terminal

    def _progressing(self, change: Reembedding, work: UnitOfWork) -> Progressing:
        return Progressing(change=change, job=work.jobs.get(change.job_id))
