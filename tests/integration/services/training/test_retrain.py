"""Training jobs, from the faces in the database to the version in use."""

from __future__ import annotations

import pytest

from app.domain.job import JobState, JobType
from app.domain.training import TrainingData
from app.services.models.training import trained
from tests.analyses import MODEL, image_of
from workers.matching.retraining import fit_anew


def _active(uow, collection):
    with uow() as work:
        return work.trainings.active_id(collection.id, MODEL)


@pytest.fixture
def mislabel(store_faces, photographs):
    """Enrol many faces of the first people under the names of others."""

    def enrol_wrongly():
        return [
            face_id
            for person in range(3)
            for face_id in store_faces(f"person {person + 3}", photographs(person, 40))
        ]

    return enrol_wrongly


def test_a_training_is_used_by_the_next_search(train, crowd, recognise, photographs):
    job = train()
    assert job.result.accepted is True
    assert job.result.metrics["held_out_dir"] > 0.9
    answer = recognise(image_of(photographs(2)[0])).result
    [face] = answer.images[0].faces
    assert (answer.matcher, answer.training_id) == ("classifier", job.result.training_id)
    assert (face.decision, face.candidates[0].subject) == ("match", "person 2")
    assert face.expected_fpir < 0.01


def test_another_target_moves_the_threshold_of_what_is_trained_already(
    train, crowd, recognise, photographs, choose
):
    train()
    thresholds = []
    for target in (0.05, 0.01, 0.001):
        choose(target_fpir=target)
        answer = recognise(image_of(photographs(2)[0])).result
        assert answer.matcher == "classifier"
        thresholds.append(answer.score_threshold)
    assert thresholds == sorted(set(thresholds))


def test_a_worse_fit_is_rejected_and_the_last_good_version_stays(
    train, crowd, mislabel, recognise, photographs, uow, collection
):
    good = train()
    mislabel()
    rejected = train()
    assert rejected.state is JobState.SUCCEEDED
    assert rejected.result.accepted is False
    assert "Version 1 identifies more" in rejected.result.reason
    metrics = rejected.result.metrics
    assert metrics["compared_dir"] < metrics["compared_dir_before"]
    assert _active(uow, collection) == good.result.training_id
    assert rejected.result.training_id == good.result.training_id
    answer = recognise(image_of(photographs(1)[0])).result
    assert answer.training_id == good.result.training_id


def test_a_fit_is_accepted_again_when_the_wrong_faces_are_gone(
    train, crowd, mislabel, uow, collection
):
    train()
    wrong = mislabel()
    assert train().result.accepted is False
    with uow() as work:
        work.erasures.people(collection.id, face_ids=wrong)
        work.commit()
    job = train()
    assert (job.result.accepted, job.result.version) == (True, 2)


def test_the_last_five_versions_are_kept(train, crowd, uow, collection):
    for _ in range(7):
        train()
    with uow() as work:
        kept = [one.version for one in work.trainings.page(collection.id, limit=20)]
    assert kept == [7, 6, 5, 4, 3]


def test_nobody_who_was_removed_during_a_training_comes_back_by_it(
    crowd, claimed, finish, uow, collection, clock, cohort
):
    claim = claimed(JobType.TRAINING, images=0)
    with uow() as work:
        faces = work.faces.labelled(collection.id, MODEL)
        person = work.subjects.find(collection.id, "person 3")
        work.erasures.people(collection.id, subject_ids=[person.id])
        work.commit()
    fit = fit_anew(TrainingData(faces=faces, target_fpir=0.01, active=None), cohort.vectors)
    job = finish(claim, lambda work: trained(work, claim, fit, model_id=MODEL, clock=clock))
    assert job.error.type == "/problems/conflict"
    assert _active(uow, collection) is None


def test_one_person_is_not_enough(train, store_faces, photographs):
    store_faces("Ann", photographs(0, 3))
    assert train().error.type == "/problems/not-enough-faces"
