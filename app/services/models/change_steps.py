"""Change a collection's model, as a worker does it: a few faces at a time, each time for good."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.domain.documents import stated
from app.domain.errors import ConflictError, FacesLeftBehindError, ModelChangedError
from app.domain.job_results import ReembeddingResult, SettlingResult
from app.domain.reembedding import LeftBehind, ReembeddingReport, ReembeddingState
from app.services.jobs.complete import Outcome
from app.services.models.change import HELD_FOR
from app.services.models.switch import activate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from uuid import UUID

    from app.domain.collection import Collection
    from app.domain.embedding import Embedding
    from app.domain.job import Job
    from app.domain.reembedding import ModelComparison, Reembedding, StoredFace
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory

#: How much longer than others' a message for the next step may wait before it counts as lost: one
#: that is put again while it waits would be followed by two of every step to come.
_PATIENCE = 6

#: Faces that a report names of those that were left behind.
_NAMED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunks:
    """Steps of one claimed job, each a transaction that holds the claim."""

    claim: Job
    uow: UnitOfWorkFactory
    clock: Clock
    republish_after: timedelta

    def change(self) -> Reembedding | None:
        """Return what the job works on; nothing once another job does."""
        with self.uow() as work:
            return work.reembeddings.of_job(self.claim.id)

    def begin(self) -> None:
        """Have new faces embedded by both models from now on."""
        with self.uow() as work:
            change = self._held(work)
            if change is None:
                return
            home = _home(work, change)
            if home.second_model is None:
                work.collections.update(replace(home, second_model=change.model))
            work.commit()

    def faces(self, change: Reembedding, *, limit: int) -> list[StoredFace]:
        """Return the next faces to be embedded; none when all have been tried."""
        with self.uow() as work:
            find = work.reembeddings.next_faces
            found = find(change.collection_id, change.model, after=change.cursor, limit=limit)
            if not found and change.cursor is not None:  # those that came late, out of order
                found = find(change.collection_id, change.model, after=None, limit=limit)
            return found

    def store(self, found: Mapping[UUID, Embedding | None]) -> bool:
        """Keep vectors, and queue the job for the rest; tell whether it may go on at once."""
        with self.uow() as work:
            change = self._held(work)
            if change is None:
                return False
            work.reembeddings.put_vectors(change.model, found)
            work.reembeddings.update(replace(change, cursor=max(found)))
            return self._requeue(work, change, count=len(found))

    def rest(self) -> bool:
        """Queue the job again with nothing done, as its change is paused."""
        with self.uow() as work:
            change = self._held(work)
            return change is not None and self._requeue(work, change, count=0)

    def settle(self, *, limit: int) -> bool | None:
        """Leave some faces one vector each, and queue the job for the rest, as ``store`` does.

        ``None`` when there are none left.
        """
        with self.uow() as work:
            change = self._held(work)
            if change is None:
                return False
            home = _home(work, change)
            settle = work.reembeddings.settle
            settled = settle(home.id, home.model, after=change.cursor, limit=limit)
            if not settled and change.cursor is not None:
                settled = settle(home.id, home.model, after=None, limit=limit)
            if not settled:
                return None
            work.reembeddings.update(replace(change, cursor=settled[-1]))
            return self._requeue(work, change, count=len(settled))

    def give_up(self) -> None:
        """End the change before anything was done for it."""
        with self.uow() as work:
            change = self._held(work)
            if change is not None and _home(work, change).second_model is None:
                work.reembeddings.update(replace(change, state=ReembeddingState.CANCELLED))
                work.commit()

    def _requeue(self, work: UnitOfWork, change: Reembedding, *, count: int) -> bool:
        goes_on = change.state is not ReembeddingState.PAUSED
        work.jobs.advance(
            self.claim,
            done=self.claim.progress.done + count,
            publish_at=self.clock.now()
            + (_PATIENCE * self.republish_after if goes_on else HELD_FOR),
        )
        work.commit()
        return goes_on

    def _held(self, work: UnitOfWork) -> Reembedding | None:
        """Hold the claim and then the change; nothing where one of them is lost."""
        if not work.jobs.hold(self.claim):
            return None
        change = work.reembeddings.of_job(self.claim.id)
        held = None if change is None else work.reembeddings.hold(change.id)
        return held if held is not None and held.job_id == self.claim.id else None


def made_ready(work: UnitOfWork, claim: Job, compared: ModelComparison, *, clock: Clock) -> Outcome:
    """End the job of embedding: write the report, and switch where that was asked for.

    Raises: ConflictError: another job has taken over.
    """
    change = _worked_on(work, claim)
    home = change.collection_id
    left = work.reembeddings.left_behind(home, change.model, limit=_NAMED)
    count = work.reembeddings.count_left_behind(home, change.model) if left else 0
    faces = work.reembeddings.count_faces(home)
    report = ReembeddingReport(
        **stated(compared),
        faces=faces,
        embedded=faces - count,
        left_behind=LeftBehind(count=count, face_ids=tuple(left)),
    )
    change = replace(change, state=ReembeddingState.READY, report=report)
    work.reembeddings.update(change)
    if change.activate:
        try:
            change = activate(work, change, clock=clock)
        except FacesLeftBehindError:  # the report tells, and its owner decides
            change = replace(change, activate=False)
    return Outcome(result=ReembeddingResult(**stated(report), state=change.state))


def settled(work: UnitOfWork, claim: Job) -> Outcome:
    """End the job of settling: the collection is of one model alone.

    Raises: ConflictError: another job has taken over. ModelChangedError: faces have come since.
    """
    change = _worked_on(work, claim)
    home = _home(work, change)  # from here on no face comes with two vectors
    if not work.reembeddings.is_settled(home.id, home.model):
        raise ModelChangedError
    work.collections.update(replace(home, second_model=None))
    work.trainings.delete_others(home.id, home.model)
    is_new = home.model == change.model
    state = ReembeddingState.FINISHED if is_new else ReembeddingState.CANCELLED
    work.reembeddings.update(replace(change, state=state, cursor=None))
    return Outcome(result=SettlingResult(state=state, model=home.model))


def _worked_on(work: UnitOfWork, claim: Job) -> Reembedding:
    change = work.reembeddings.of_job(claim.id)
    held = None if change is None else work.reembeddings.hold(change.id)
    if held is None or held.job_id != claim.id:
        raise ConflictError("the change of model was cancelled meanwhile")
    return held


def _home(work: UnitOfWork, change: Reembedding) -> Collection:
    collection = work.collections.hold_alone(change.collection_id)
    if collection is None:
        raise ConflictError("the collection was deleted meanwhile")
    return collection
