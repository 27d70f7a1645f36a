"""Jobs that change a collection's model: one step for each message, and then the others' turn."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from app.domain.embedding import Embedding
from app.domain.errors import ConflictError, ModelMismatchError
from app.domain.pulse import Part
from app.domain.reembedding import ModelComparison, ModelFigures, ReembeddingState
from app.services.jobs.complete import complete_job, fail_job
from app.services.models.change_steps import Chunks, made_ready, settled
from tasks.process.heartbeat import Heartbeat
from tasks.process.limits import patience
from tasks.process.persistence import PATIENCE_S, put_back, put_back_uncounted, store
from workers.matching.comparison import compare_faces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.domain.errors import VultusError
    from app.domain.job import Job
    from app.domain.reembedding import DoubleFace, Reembedding, StoredFace
    from app.services.jobs.complete import Conclude
    from tasks.models import ReadyModel
    from tasks.runtime import InferenceRuntime

#: Faces whose vectors get to their final place in one step: the index takes milliseconds for each.
_SETTLED_AT_ONCE = 50

#: Faces that the report compares both models by: as many as are compared in the time of a chunk.
_COMPARED = 2000

_BYTES_PER_VALUE = 4


def run_reembedding_job(job_id: UUID, runtime: InferenceRuntime) -> bool:
    """Do one step of the job, and tell whether it may go on at once.

    A step is a few faces, and is kept whatever comes after it. Between two of them the job is
    queued like any other, so nobody waits for more than one.
    """
    uow = runtime.container.uow
    with uow() as work:
        claim = work.jobs.claim_named(job_id, worker=runtime.name, lease=runtime.lease)
        work.commit()
    if claim is None:
        return False
    job, _ = claim
    with Heartbeat([job], lease=runtime.lease, uow=uow):
        try:
            goes_on = _Step(job, runtime).run()
        except SystemExit:
            put_back_uncounted(job, runtime.container)
            raise
        except Exception as fault:
            put_back(job, runtime.container, runtime.rules, fault=fault)
            # Not as it is: a MemoryError that a task raises ends the whole worker.
            raise RuntimeError("embedding anew failed") from fault
    runtime.container.pulses.leave(Part.INFERENCE)
    return goes_on


class _Step:
    """One step of one claimed job."""

    def __init__(self, job: Job, runtime: InferenceRuntime) -> None:
        self._job = job
        self._runtime = runtime
        self._container = runtime.container
        self._chunks = Chunks(
            claim=job,
            uow=runtime.container.uow,
            clock=runtime.container.clock,
            republish_after=timedelta(seconds=runtime.container.settings.republish_s),
        )

    def run(self) -> bool:
        change = self._chunks.change()
        if change is None:
            return self._fail(ConflictError("the change of model was cancelled"))
        match change.state:
            case ReembeddingState.EMBEDDING:
                return self._embed(change)
            case ReembeddingState.PAUSED:
                return self._chunks.rest()
            case ReembeddingState.SETTLING:
                goes_on = self._chunks.settle(limit=_SETTLED_AT_ONCE)
                return self._settle() if goes_on is None else goes_on
            case _:
                return self._fail(ConflictError(f"the change of model is {change.state}"))

    def _embed(self, change: Reembedding) -> bool:
        try:
            self._runtime.models.get(change.model)
        except ModelMismatchError as error:
            if change.model in self._job.models:  # another worker has it, and may have the job
                raise
            self._chunks.give_up()
            return self._fail(error)
        if change.model not in self._job.models:
            self._chunks.begin()
        most = self._container.settings.batch_size
        # After a loss one by one, so that a photograph that ends its process stops nothing else.
        faces = self._chunks.faces(change, limit=most if self._job.tries <= 1 else 1)
        if not faces:
            return self._make_ready(change)
        with patience(self._container.settings.batch_time_limit_s):
            found = self._vectors(faces, change.model)
        return self._chunks.store(found)

    def _vectors(self, faces: Sequence[StoredFace], model: str) -> Mapping[UUID, Embedding | None]:
        kept = [(face.id, face.image, face.detection) for face in faces if face.image is not None]
        made = self._runtime.pipeline.embed_again(
            [(image, detection) for _, image, detection in kept], model
        )
        vectors: dict[UUID, Embedding | None] = dict.fromkeys(face.id for face in faces)
        for (face_id, _, _), one in zip(kept, made, strict=True):
            vectors[face_id] = one if isinstance(one, Embedding) else None
        return vectors

    def _make_ready(self, change: Reembedding) -> bool:
        former, new = change.former_model, change.model
        with self._container.uow() as work:
            home = work.collections.get(change.collection_id)
            faces = work.reembeddings.double_faces(
                change.collection_id, former=former, new=new, limit=_COMPARED
            )
        target_fpir = 0.01 if home is None else home.target_fpir
        compared = ModelComparison(
            compared_faces=len(faces),
            compared_subjects=len({face.subject_id for face in faces}),
            target_fpir=target_fpir,
            former=self._figures(former, faces, [face.former for face in faces], target_fpir),
            new=self._figures(new, faces, [face.new for face in faces], target_fpir),
        )
        clock = self._container.clock
        return self._complete(lambda work: made_ready(work, self._job, compared, clock=clock))

    def _figures(
        self,
        model_id: str,
        faces: Sequence[DoubleFace],
        vectors: Sequence[Sequence[float]],
        target_fpir: float,
    ) -> ModelFigures:
        profile = self._container.models[model_id]
        array = np.array(vectors, np.float32).reshape(len(faces), profile.dimension)
        subjects = [face.subject_id for face in faces]
        found = compare_faces(array, subjects, target_fpir=target_fpir)
        model = self._installed(model_id)
        cost = None
        if model is not None:
            cost = self._runtime.pipeline.milliseconds_per_face(model_id)
        return ModelFigures(
            model=model_id,
            searches=found["searches"],
            rank1=_rounded(found["rank1"]),
            identified=_rounded(found["identified"]),
            threshold=_rounded(found["threshold"]),
            genuine_mean=_rounded(found["genuine_mean"]),
            impostor_mean=_rounded(found["impostor_mean"]),
            separation=_rounded(found["separation"]),
            ms_per_face=_rounded(cost),
            bytes_per_face=profile.dimension * _BYTES_PER_VALUE,
            thresholds_fitted=profile.fitted,
            knows_strangers=model is not None and model.cohort is not None,
        )

    def _installed(self, model_id: str) -> ReadyModel | None:
        """Return a model; nothing where its weights are gone, as only its vectors are needed."""
        try:
            return self._runtime.models.get(model_id)
        except ModelMismatchError:
            return None

    def _settle(self) -> bool:
        return self._complete(lambda work: settled(work, self._job))

    def _complete(self, conclude: Conclude) -> bool:
        store(
            lambda: complete_job(
                self._job,
                conclude,
                retention=self._runtime.retention,
                uow=self._container.uow,
                queue=self._container.queue,
                clock=self._container.clock,
            ),
            deadline=time.monotonic() + PATIENCE_S,
        )
        return False

    def _fail(self, error: VultusError) -> bool:
        fail_job(
            self._job,
            error,
            retention=self._runtime.retention,
            uow=self._container.uow,
            queue=self._container.queue,
            clock=self._container.clock,
        )
        return False


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
