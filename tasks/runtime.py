"""What a worker process is made of once it has started."""

from __future__ import annotations

import os
import socket
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.models import ReadyModels
from tasks.process.batches import BatchSizes
from workers.matching.classifier import LogisticClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from app.bootstrap import Container
    from app.domain.embedding import Embedding
    from app.domain.training import Training
    from app.services.ports import UnitOfWork
    from workers.pipeline import FacePipeline


class TrainedClassifier:
    """A classifier whose classes are subjects. See ``app.services.ports.SubjectClassifier``."""

    def __init__(self, training: Training) -> None:
        self._classifier = LogisticClassifier(training.weights)
        self.subject_ids = training.subject_ids
        self.tail = self._classifier.tail

    def probabilities(self, probe: Embedding) -> Mapping[UUID, float]:
        """Return each trained subject's share of the probe."""
        [shares] = self._classifier.shares(np.array([probe.vector], dtype=np.float32))
        return dict(zip(self.subject_ids, shares.tolist(), strict=True))


class ClassifierCache:
    """The trainings used last; an id stands for one version for ever, so nothing goes stale."""

    _SIZE = 32

    def __init__(self) -> None:
        self._loaded: OrderedDict[UUID, TrainedClassifier] = OrderedDict()

    def get(self, work: UnitOfWork, training_id: UUID) -> TrainedClassifier | None:
        """See ``app.services.ports.Classifiers``."""
        if training_id not in self._loaded:
            training = work.trainings.get(training_id)
            if training is None:
                return None
            self._loaded[training_id] = TrainedClassifier(training)
            if len(self._loaded) > self._SIZE:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(training_id)
        return self._loaded[training_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What a training needs, for as long as the process lives."""

    container: Container
    models: ReadyModels
    lease: timedelta
    #: Names the holder in the job row.
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceRuntime(Runtime):
    """What jobs on images need beside it: the loaded models, and how many images they get."""

    pipeline: FacePipeline
    classifiers: ClassifierCache
    batches: BatchSizes


def training_runtime(container: Container) -> Runtime:
    """Put the parts together that need no models."""
    return Runtime(**_parts(container, None))


def inference_runtime(container: Container, pipeline: FacePipeline) -> InferenceRuntime:
    """Put the parts together."""
    return InferenceRuntime(
        **_parts(container, pipeline),
        pipeline=pipeline,
        classifiers=ClassifierCache(),
        batches=BatchSizes(container.settings.batch_size),
    )


def _parts(container: Container, pipeline: FacePipeline | None) -> dict[str, Any]:
    settings = container.settings
    return {
        "container": container,
        "models": ReadyModels(settings.model, pipeline, container.models, settings.weights_dir),
        "lease": timedelta(seconds=settings.lease_s),
        "name": f"{socket.gethostname()}:{os.getpid()}",
    }
