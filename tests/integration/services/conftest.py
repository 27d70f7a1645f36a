from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest
from factories import job_rules

from app.domain.identity import new_id
from app.domain.job import PARAMETERS, Job, JobState, JobType, Progress
from app.domain.matching import PROTOTYPE_SCALE, Calibration, ShareReading, Thresholds
from app.domain.model import ModelProfile
from app.services.erasure.receipts import Receipts
from app.services.jobs.admission import Admission
from app.services.jobs.desk import JobDesk
from app.services.jobs.sweep import sweep
from app.services.recognition.enrol import enrolled
from app.services.recognition.identify import identified
from tests.analyses import MODEL, image_of
from tests.fakes import FakeClock, FakeJobQueue


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def queue():
    return FakeJobQueue()


@pytest.fixture
def model():
    return ModelProfile(
        id=MODEL,
        dimension=128,
        thresholds=Thresholds(match=0.55, possible=0.4),
        calibration=Calibration(slope=24.85, intercept=-9.84),
        licence="MIT",
        training_set="made up",
    )


@pytest.fixture
def people():
    """Random unit vectors: any two are nearly orthogonal, like strangers."""
    vectors = np.random.default_rng(7).standard_normal((10, 128))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def submitted(uow, collection):
    """Store a job of any kind."""

    def submit(job_type, *, images=1, **parameters):
        job = Job(
            id=new_id(),
            parameters=PARAMETERS[job_type](**parameters),
            state=JobState.QUEUED,
            collection_id=collection.id,
            progress=Progress(total=images),
            created_at=datetime.now(UTC),
        )
        with uow() as work:
            work.jobs.add(job, images=[b"photograph"] * images, publish_at=job.created_at)
            work.commit()
        return job

    return submit


@pytest.fixture
def claimed(uow, submitted):
    """Submit a job of any kind and claim it."""

    def submit_and_claim(job_type, **options):
        job = submitted(job_type, **options)
        with uow() as work:
            claim, _ = work.jobs.claim_named(job.id, worker="test", lease=timedelta(seconds=30))
            work.commit()
        return claim

    return submit_and_claim


class NoClassifiers:
    def get(self, work, training_id):
        raise AssertionError("nothing was trained")


class FakeCohort:
    """Strangers who are like nobody: a share of one half makes a match."""

    def __init__(self):
        self.read_for = []

    def background(self, probe):
        return 100 * math.exp(-PROTOTYPE_SCALE)

    def read(self, prototypes):
        self.read_for.append(len(prototypes))
        return ShareReading(
            tail_start=0, tail_mean=1e-9, slope=1, intercept=0, subjects=len(prototypes)
        )


@pytest.fixture
def rules():
    """When a job counts as lost."""
    return job_rules()


@pytest.fixture
def desk(rules, uow, queue, clock):
    return JobDesk(
        rules=rules, uow=uow, queue=queue, clock=clock, bell=None, admission=Admission.unbounded()
    )


@pytest.fixture
def run_sweep(desk, receipts):
    """Return a function that does one round of the sweep."""
    return partial(sweep, desk, receipts)


@pytest.fixture
def finish(desk, uow):
    """Complete a claim and return the stored job."""

    def complete(claim, conclude):
        desk.complete(claim, conclude)
        with uow() as work:
            return work.jobs.get(claim.id)

    return complete


@pytest.fixture
def enrol(claimed, finish, model, clock):
    def run(name, *vectors, images=None, **parameters):
        images = images or [image_of(vector) for vector in vectors]
        claim = claimed(JobType.ENROLMENT, images=len(images), subject=name, **parameters)
        return finish(claim, lambda work: enrolled(work, claim, claim.parameters, images, clock))

    return run


@pytest.fixture
def cohort():
    return FakeCohort()


@pytest.fixture
def classifiers():
    return NoClassifiers()


@pytest.fixture
def erase_faces(uow, collection):
    def run(face_ids):
        with uow() as work:
            work.erasures.people(collection.id, face_ids=face_ids)
            work.commit()

    return run


@pytest.fixture
def recognise(claimed, finish, model, classifiers, cohort):
    def run(image, **parameters):
        claim = claimed(JobType.RECOGNITION, **parameters)
        return finish(
            claim,
            lambda work: identified(
                work,
                claim.collection_id,
                claim.parameters,
                [image],
                model=model,
                classifiers=classifiers,
                cohort=cohort,
            ),
        )

    return run


@pytest.fixture
def receipts(clock):
    return Receipts(window=timedelta(hours=24), retention=timedelta(hours=1), clock=clock)
