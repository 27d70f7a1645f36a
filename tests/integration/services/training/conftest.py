"""A collection that can be trained, and the worker that trains it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from app.domain.identity import new_id
from app.domain.job import JobType
from app.services.jobs.rules import JobRules
from tasks.models import ReadyModels
from tasks.retrain import run_training_job
from tasks.runtime import ClassifierCache, Runtime
from tasks.strangers import Strangers
from tests.analyses import MODEL, analysed, unit_vectors

PEOPLE = 6
FACES = 12
#: A day: nothing is lost or given up while a test runs.
_LONG = timedelta(days=1)


@pytest.fixture
def cohort():
    return Strangers(DEFAULT_WEIGHTS_DIR, MODEL)


@pytest.fixture
def classifiers():
    return ClassifierCache()


@pytest.fixture
def rules():
    return JobRules(
        republish_after=_LONG,
        max_losses=2,
        max_attempts=3,
        longest_wait=_LONG,
        retention=_LONG,
    )


@pytest.fixture
def photographs():
    """Return a function that draws vectors of one of more people than are enrolled."""
    centres = unit_vectors(PEOPLE + 4, seed=2)
    random = np.random.default_rng(3)

    def draw(person, count=1):
        vectors = centres[person] + 0.05 * random.normal(size=(count, 128))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return draw


@pytest.fixture
def store_faces(uow, collection):
    """Return a function that enrols vectors under a name, and returns the faces' ids."""

    def store(name, vectors, *, expires_at=None):
        with uow() as work:
            subject = work.subjects.ensure(collection.id, name)
            ids = [
                work.faces.add(
                    collection_id=collection.id,
                    subject_id=subject.id,
                    job_id=new_id(),
                    image_number=0,
                    image_id=None,
                    face=analysed(vector),
                    expires_at=expires_at,
                )
                for vector in vectors
            ]
            work.commit()
        return ids

    return store


@pytest.fixture
def crowd(store_faces, photographs):
    """Six people with a dozen faces each; by the chance of their ids, some are held out."""
    return [store_faces(f"person {person}", photographs(person, FACES)) for person in range(PEOPLE)]


@pytest.fixture
def choose(uow, collection):
    """Return a function that changes settings of the collection."""

    def change(**settings):
        with uow() as work:
            work.collections.update(replace(collection, **settings))
            work.commit()

    return change


@pytest.fixture
def train(submitted, desk, uow, clock, model):
    """Return a function that runs a training job as a worker does, and returns it ended."""
    runtime = Runtime(
        container=SimpleNamespace(desk=desk),
        models=ReadyModels(MODEL, None, {MODEL: model}, DEFAULT_WEIGHTS_DIR),
        lease=timedelta(seconds=30),
        name="test",
    )

    def run():
        job = submitted(JobType.TRAINING, images=0)
        clock.moment = job.created_at
        run_training_job(job.id, runtime)
        with uow() as work:
            return work.jobs.get(job.id)

    return run
