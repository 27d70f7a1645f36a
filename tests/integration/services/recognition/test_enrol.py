"""Which faces a collection takes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.domain.identity import new_id
from app.domain.job import Job, JobState, Progress
from app.domain.job_parameters import EnrolmentParameters
from app.domain.quality import QualityGate
from app.services.recognition.enrol import enrolled
from tests.analyses import GOOD, image_of

_HOPELESS = replace(GOOD, sharpness=0.001, brightness=10)
_POOR = replace(GOOD, size_px=25)


@pytest.fixture
def guard(collection, uow):
    """Set the quality gate of the collection."""

    def set_gate(gate):
        with uow() as work:
            work.collections.update(replace(collection, quality_gate=gate))
            work.commit()

    return set_gate


@pytest.mark.parametrize(
    ("gate", "taken"),
    [
        (QualityGate.OFF, {"good", "poor", "hopeless"}),
        (QualityGate.BASIC, {"good", "poor"}),
        (QualityGate.STRICT, {"good"}),
    ],
)
def test_a_gate_takes_the_faces_that_are_good_enough_for_it(enrol, guard, people, gate, taken):
    guard(gate)
    jobs = {
        name: enrol(name, images=[image_of(people[0], quality=quality)])
        for name, quality in (("good", GOOD), ("poor", _POOR), ("hopeless", _HOPELESS))
    }
    assert {name for name, job in jobs.items() if job.state is JobState.SUCCEEDED} == taken


def test_a_refusal_names_each_reason_and_enrols_nobody(enrol, people, uow, collection):
    job = enrol("Ann", images=[image_of(people[0], quality=_HOPELESS)])
    assert job.state is JobState.FAILED
    assert job.error.type == "/problems/low-quality-face"
    assert "blurred (0.001 where the limit is 0.006)" in job.error.detail
    assert "dark (10 where the limit is 25)" in job.error.detail
    with uow() as work:
        assert work.subjects.page(collection.id, after=None, limit=10) == []


def test_a_refused_face_leaves_the_others_of_its_batch(enrol, people):
    job = enrol("Ann", images=[image_of(people[0], quality=_HOPELESS), image_of(people[1])])
    refused, taken = job.result.images
    assert refused.error.type == "/problems/low-quality-face"
    assert (taken.faces[0].face_id,) == job.result.face_ids


def test_the_face_that_is_meant_is_judged_and_no_other(enrol, people):
    crowd = image_of(people[0], people[1])
    large, small = crowd.faces
    crowd = replace(crowd, faces=(large, replace(small, quality=_HOPELESS)))
    assert enrol("Ann", images=[crowd], face_policy="largest").state is JobState.SUCCEEDED


def test_a_correction_may_be_as_poor_as_the_photograph_that_was_mistaken(enrol, people):
    enrol("Ann", people[0])
    mistaken = image_of(people[1], quality=_HOPELESS)
    assert enrol(None, images=[mistaken], not_subject="Ann").state is JobState.SUCCEEDED


def test_names_that_differ_in_case_alone_name_one_subject_also_at_once(
    uow, collection, people, model, clock
):
    spellings = ["Ann", "ANN", "ann", "aNN"] * 4

    def enrol_one(name):
        job = Job(
            id=new_id(),
            parameters=EnrolmentParameters(subject=name, any_case=True),
            state=JobState.RUNNING,
            collection_id=collection.id,
            progress=Progress(total=1),
            created_at=clock.now(),
        )
        with uow() as work:
            enrolled(work, job, job.parameters, [image_of(people[0])], clock)
            work.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enrol_one, spellings))
    with uow() as work:
        [name] = work.subjects.names(collection.id)
        assert work.subjects.find(collection.id, name).face_count == len(spellings)
