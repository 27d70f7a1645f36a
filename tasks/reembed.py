"""Jobs that change a collection's model: one step for each message, and then the others' turn."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from app.domain.embedding import Embedding
from app.domain.errors import ModelMismatchError
from app.domain.pulse import Part
from app.domain.reembedding import ModelFigures
from app.services.models.change_steps import ChangeSteps
from tasks.process.heartbeat import Heartbeat
from tasks.process.limits import patience
from tasks.process.persistence import PATIENCE_S, excuse, retry, store
from workers.matching.comparison import compare_faces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.domain.job import Job
    from app.domain.reembedding import DoubleFace, StoredFace
    from tasks.models import ReadyModel
    from tasks.runtime import InferenceRuntime

_BYTES_PER_VALUE = 4


def run_reembedding_job(job_id: UUID, runtime: InferenceRuntime) -> bool:
    """Do one step of the job, and tell whether it may go on at once.

    A step is a few faces, and is kept whatever comes after it. Between two of them the job is
    queued like any other, so no other job waits for more than one.
    """
    desk = runtime.container.desk
    job = desk.claim_named(job_id, worker=runtime.name, lease=runtime.lease)
    if job is None:
        return False
    with Heartbeat([job], lease=runtime.lease, uow=desk.uow):
        try:
            goes_on = _steps(job, runtime).next()
        except SystemExit:
            excuse(job, desk)
            raise
        except Exception as fault:
            retry(job, desk, fault=fault)
            # Not as it is: a MemoryError that a task raises ends the whole worker.
            raise RuntimeError("Embedding the faces again failed.") from fault
    runtime.container.pulses.leave(Part.INFERENCE)
    return goes_on


def _steps(job: Job, runtime: InferenceRuntime) -> ChangeSteps:
    container = runtime.container
    desk = container.desk
    return ChangeSteps(
        claim=job,
        desk=desk,
        models=LoadedModels(runtime),
        receipts=container.receipts,
        complete=lambda conclude: store(
            lambda: desk.complete(job, conclude), deadline=time.monotonic() + PATIENCE_S
        ),
        embedded_at_once=container.settings.batch_size,
    )


class LoadedModels:
    """The worker's models. See ``app.services.ports.Reembedder``."""

    def __init__(self, runtime: InferenceRuntime) -> None:
        self._runtime = runtime

    def load(self, model: str) -> None:
        """Load a model, unless it is there."""
        self._runtime.models.get(model)

    def embed(self, faces: Sequence[StoredFace], model: str) -> Mapping[UUID, Embedding | None]:
        """Embed the photographs of faces, those that were kept."""
        kept = [
            (face.id, face.image, face.detection)
            for face in faces
            if face.image is not None and face.detection is not None
        ]
        with patience(self._runtime.container.settings.batch_time_limit_s):
            made = self._runtime.pipeline.embed_again(
                [(image, detection) for _, image, detection in kept], model
            )
        vectors: dict[UUID, Embedding | None] = dict.fromkeys(face.id for face in faces)
        for (face_id, _, _), one in zip(kept, made, strict=True):
            vectors[face_id] = one if isinstance(one, Embedding) else None
        return vectors

    def figures(
        self,
        model: str,
        faces: Sequence[DoubleFace],
        vectors: Sequence[Sequence[float]],
        *,
        target_fpir: float,
    ) -> ModelFigures:
        """Tell how well, how fast and how large a model is."""
        profile = self._runtime.container.models[model]
        array = np.array(vectors, np.float32).reshape(len(faces), profile.dimension)
        subjects = [face.subject_id for face in faces]
        found = compare_faces(array, subjects, target_fpir=target_fpir)
        installed = self._installed(model)
        cost = None
        if installed is not None:
            cost = self._runtime.pipeline.milliseconds_per_face(model)
        return ModelFigures(
            model=model,
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
            knows_strangers=installed is not None and installed.cohort is not None,
        )

    def _installed(self, model_id: str) -> ReadyModel | None:
        """Return a model; nothing where its weights are gone, as only its vectors are needed."""
        try:
            return self._runtime.models.get(model_id)
        except ModelMismatchError:
            return None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
