"""Change a collection's model, as a worker does it: a few faces at a time, each time for good."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.documents import stated
from app.domain.erasure import Erased
from app.domain.errors import (
    ConflictError,
    FacesLeftBehindError,
    ModelChangedError,
    ModelMismatchError,
)
from app.domain.job_results import ReembeddingResult, SettlingResult
from app.domain.reembedding import (
    LeftBehind,
    ModelComparison,
    ReembeddingReport,
    ReembeddingState,
)
from app.domain.setback import Chore
from app.services.isolation import apart
from app.services.jobs.complete import Outcome
from app.services.models.change import HELD_FOR
from app.services.models.switch import activate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from app.domain.collection import Collection
    from app.domain.embedding import Embedding
    from app.domain.errors import VultusError
    from app.domain.job import Job
    from app.domain.reembedding import Reembedding, StoredFace
    from app.services.erasure.receipts import Receipts
    from app.services.jobs.complete import Conclude
    from app.services.jobs.desk import JobDesk
    from app.services.ports import Clock, Reembedder, UnitOfWork

#: How much longer than others' a message for the next step may wait before it counts as lost: one
#: that is put again while it waits would be followed by two of every step to come.
_PATIENCE = 6

#: Faces that a report names of those that were left behind.
_NAMED = 1000

#: Faces that the report compares both models by: as many as are compared in the time of a chunk.
_COMPARED = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSteps:
    """The steps of one claimed job, each a transaction that holds the claim."""

    claim: Job
    desk: JobDesk
    models: Reembedder
    receipts: Receipts
    #: Ends the job with what it has come to.
    complete: Callable[[Conclude], object]
    #: Faces that are embedded in one step.
    embedded_at_once: int
    #: Faces whose vectors get to their final place in one step: the index takes milliseconds each.
    settled_at_once: int = 50

    def next(self) -> bool:
        """Do one step, and tell whether the job may go on at once.

        Raises: ModelMismatchError: another worker has begun with the model, and this one lacks it.
        """
        change = self._change()
        if change is None:
            return self._fail(ConflictError("The change of model was cancelled."))
        match change.state:
            case ReembeddingState.EMBEDDING:
                return self._embed(change)
            case ReembeddingState.PAUSED:
                return self._rest()
            case ReembeddingState.SETTLING:
                goes_on = self._settle()
                return (
                    self._end(lambda work: settled(work, self.claim))
                    if goes_on is None
                    else goes_on
                )
            case _:
                return self._fail(ConflictError(f"The change of model is {change.state}."))

    def store(self, found: Mapping[UUID, Embedding | None]) -> bool:
        """Keep vectors, and queue the job for the rest; tell whether it may go on at once."""
        with self.desk.uow() as work:
            change = self._locked(work)
            if change is None:
                return False
            work.reembeddings.put_vectors(change.model, found)
            work.reembeddings.update(replace(change, cursor=max(found)))
            return self._requeue(work, change, count=len(found))

    def _change(self) -> Reembedding | None:
        """Return what the job works on; nothing once another job does."""
        with self.desk.uow() as work:
            return work.reembeddings.of_job(self.claim.id)

    def _embed(self, change: Reembedding) -> bool:
        try:
            self.models.load(change.model)
        except ModelMismatchError as error:
            if change.model in self.claim.models:  # another worker has it, and may have the job
                raise
            self._give_up()
            return self._fail(error)
        if change.model not in self.claim.models:
            self._begin()
        faces = self._faces(change)
        if not faces:
            return self._make_ready(change)
        if len(faces) > 1 or self.claim.tries <= 1:
            return self.store(self.models.embed(faces, change.model))
        # One that fails by itself too is left behind, and stops no other.
        found: Mapping[UUID, Embedding | None] = {faces[0].id: None}
        with apart(Chore.REEMBEDDING, faces[0].id, uow=self.desk.uow):
            found = self.models.embed(faces, change.model)
        return self.store(found)

    def _begin(self) -> None:
        """Have new faces embedded by both models from now on."""
        with self.desk.uow() as work:
            change = self._locked(work)
            if change is None:
                return
            collection = _collection(work, change)
            if collection.second_model is None:
                work.collections.update(replace(collection, second_model=change.model))
            work.commit()

    def _faces(self, change: Reembedding) -> list[StoredFace]:
        """Return the next faces to be embedded; none when all have been tried."""
        # After a loss one by one, so that a photograph that ends its process stops nothing else.
        limit = self.embedded_at_once if self.claim.tries <= 1 else 1
        with self.desk.uow() as work:
            find = work.reembeddings.next_faces
            found = find(change.collection_id, change.model, after=change.cursor, limit=limit)
            if not found and change.cursor is not None:  # those that came late, out of order
                found = find(change.collection_id, change.model, after=None, limit=limit)
            return found

    def _make_ready(self, change: Reembedding) -> bool:
        with self.desk.uow() as work:
            collection = work.collections.get(change.collection_id)
            faces = work.reembeddings.double_faces(
                change.collection_id,
                former=change.former_model,
                new=change.model,
                limit=_COMPARED,
            )
        target_fpir = 0.01 if collection is None else collection.target_fpir
        compared = ModelComparison(
            compared_faces=len(faces),
            compared_subjects=len({face.subject_id for face in faces}),
            target_fpir=target_fpir,
            former=self.models.figures(
                change.former_model,
                faces,
                [face.former for face in faces],
                target_fpir=target_fpir,
            ),
            new=self.models.figures(
                change.model, faces, [face.new for face in faces], target_fpir=target_fpir
            ),
        )
        clock = self.desk.clock
        return self._end(lambda work: made_ready(work, self.claim, compared, clock=clock))

    def _rest(self) -> bool:
        """Queue the job again with nothing done, as its change is paused."""
        with self.desk.uow() as work:
            change = self._locked(work)
            return change is not None and self._requeue(work, change, count=0)

    def _settle(self) -> bool | None:
        """Leave some faces one vector each, and queue the job for the rest, as ``store`` does.

        A face that has none is erased: the owner has said so. ``None`` when there are none left.
        """
        limit = self.settled_at_once
        with self.desk.uow() as work:
            change = self._locked(work)
            if change is None:
                return False
            collection = _collection(work, change)
            settle = work.reembeddings.settle
            found = settle(collection.id, collection.model, after=change.cursor, limit=limit)
            if not found.face_ids and change.cursor is not None:
                found = settle(collection.id, collection.model, after=None, limit=limit)
            if not found.face_ids:
                return None
            if found.without_vector:
                self._erase(work, collection, found.without_vector)
            work.reembeddings.update(replace(change, cursor=found.face_ids[-1]))
            return self._requeue(work, change, count=len(found.face_ids))

    def _erase(self, work: UnitOfWork, collection: Collection, face_ids: Sequence[UUID]) -> None:
        rows = work.erasures.people(collection.id, face_ids=face_ids)
        tenant_id = self.claim.tenant_id
        self.receipts.leave(
            work,
            Erased.LEFT_BEHIND_FACES,
            face_ids,
            rows,
            owner_id=self.claim.owner_id,
            tenant_id=tenant_id,
        )
        for face_id in face_ids:
            work.audit.record(Action.DELETE_FACE, face_id, tenant_id=tenant_id)

    def _give_up(self) -> None:
        """End the change before anything was done for it."""
        with self.desk.uow() as work:
            change = self._locked(work)
            if change is not None and _collection(work, change).second_model is None:
                work.reembeddings.update(replace(change, state=ReembeddingState.CANCELLED))
                work.commit()

    def _end(self, conclude: Conclude) -> bool:
        self.complete(conclude)
        return False

    def _fail(self, error: VultusError) -> bool:
        self.desk.fail(self.claim, error)
        return False

    def _requeue(self, work: UnitOfWork, change: Reembedding, *, count: int) -> bool:
        goes_on = change.state is not ReembeddingState.PAUSED
        wait = _PATIENCE * self.desk.rules.republish_after if goes_on else HELD_FOR
        work.jobs.advance(
            self.claim,
            done=self.claim.progress.done + count,
            publish_at=self.desk.clock.now() + wait,
        )
        work.commit()
        return goes_on

    def _locked(self, work: UnitOfWork) -> Reembedding | None:
        """Hold the claim and then the change; nothing where one of them is lost."""
        if not work.jobs.lock(self.claim):
            return None
        change = work.reembeddings.of_job(self.claim.id)
        locked = None if change is None else work.reembeddings.lock(change.id)
        return locked if locked is not None and locked.job_id == self.claim.id else None


def made_ready(work: UnitOfWork, claim: Job, compared: ModelComparison, *, clock: Clock) -> Outcome:
    """End the job of embedding: write the report, and switch where that was asked for.

    Raises: ConflictError: another job has taken over.
    """
    change = _worked_on(work, claim)
    collection_id = change.collection_id
    left = work.reembeddings.left_behind(collection_id, change.model, limit=_NAMED)
    count = work.reembeddings.count_left_behind(collection_id, change.model) if left else 0
    faces = work.reembeddings.count_faces(collection_id)
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
        else:
            work.audit.record(Action.ACTIVATE_REEMBEDDING, change.id, tenant_id=claim.tenant_id)
    return Outcome(result=ReembeddingResult(**stated(report), state=change.state))


def settled(work: UnitOfWork, claim: Job) -> Outcome:
    """End the job of settling: the collection is of one model alone.

    Raises: ConflictError: another job has taken over. ModelChangedError: faces have come since.
    """
    change = _worked_on(work, claim)
    collection = _collection(work, change)  # from here on no face comes with two vectors
    if not work.reembeddings.is_settled(collection.id, collection.model):
        raise ModelChangedError
    work.collections.update(replace(collection, second_model=None))
    work.trainings.delete_others(collection.id, collection.model)
    is_new = collection.model == change.model
    state = ReembeddingState.FINISHED if is_new else ReembeddingState.CANCELLED
    work.reembeddings.update(replace(change, state=state, cursor=None))
    return Outcome(result=SettlingResult(state=state, model=collection.model))


def _worked_on(work: UnitOfWork, claim: Job) -> Reembedding:
    change = work.reembeddings.of_job(claim.id)
    locked = None if change is None else work.reembeddings.lock(change.id)
    if locked is None or locked.job_id != claim.id:
        raise ConflictError("The change of model was cancelled meanwhile.")
    return locked


def _collection(work: UnitOfWork, change: Reembedding) -> Collection:
    collection = work.collections.lock_alone(change.collection_id)
    if collection is None:
        raise ConflictError("The collection was deleted meanwhile.")
    return collection
