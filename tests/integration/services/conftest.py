from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.domain.job import Job, JobState, Progress
from app.domain.matching import Calibration, Thresholds
from app.domain.model import ModelProfile
from app.services.identity import new_id
from tests.analyses import MODEL


@dataclass
class FakeClock:
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self):
        return self.moment


@dataclass
class FakeQueue:
    """Remembers what was put; ``down`` stands for a broker out of reach."""

    down: bool = False
    jobs: list = field(default_factory=list)
    deliveries: list = field(default_factory=list)

    def put_job(self, job_id, job_type, *, shared=False):
        if not self.down:
            self.jobs.append(job_id)
        return not self.down

    def put_delivery(self, delivery_id):
        if not self.down:
            self.deliveries.append(delivery_id)
        return not self.down


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def queue():
    return FakeQueue()


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
def claimed(uow, collection):
    """Submit a job of any kind and claim it."""

    def submit_and_claim(job_type, *, images=1, **parameters):
        job = Job(
            id=new_id(),
            type=job_type,
            state=JobState.QUEUED,
            collection_id=collection.id,
            parameters=parameters,
            progress=Progress(total=images),
            created_at=datetime.now(UTC),
        )
        with uow() as work:
            work.jobs.add(job, images=[b"photograph"] * images, publish_at=job.created_at)
            work.commit()
            [(claim, _)] = work.jobs.claim(
                job.id, worker="test", lease=timedelta(seconds=30), companions=0
            )
            work.commit()
        return claim

    return submit_and_claim
