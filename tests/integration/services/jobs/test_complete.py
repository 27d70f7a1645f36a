from __future__ import annotations

import secrets
from dataclasses import replace

import pytest
from sqlalchemy import text

from app.domain.delivery import Endpoint, EventType
from app.domain.errors import (
    CorruptImageError,
    ModelChangedError,
    NoFaceError,
    ServiceUnavailableError,
)
from app.domain.identity import new_id
from app.domain.job import JobState, JobType
from app.services.jobs.complete import Outcome
from app.services.recognition.detect import detected
from app.services.recognition.enrol import enrolled
from app.services.recognition.identify import identified
from app.services.recognition.verify import verified
from tests.analyses import image_of
from tests.made_results import RESULT_OF


def test_an_enrolled_person_is_recognised(enrol, recognise, people):
    enrol("Ann", people[0])
    enrol("Bob", people[1])
    job = recognise(image_of(people[0], people[1]))
    first, second = job.result.images[0].faces
    assert (first.decision, first.candidates[0].subject) == ("match", "Ann")
    assert (second.decision, second.candidates[0].subject) == ("match", "Bob")
    assert first.candidates[0].probability > 0.99


def test_a_stranger_is_unknown(enrol, recognise, people):
    enrol("Ann", people[0])
    [face] = recognise(image_of(people[5])).result.images[0].faces
    assert face.decision == "unknown"
    assert [candidate.subject for candidate in face.candidates] == ["Ann"]


def test_an_empty_collection_knows_nobody(recognise, people):
    [face] = recognise(image_of(people[0])).result.images[0].faces
    assert (face.decision, face.candidates) == ("unknown", ())


def test_a_request_may_ask_for_another_threshold(enrol, recognise, people):
    enrol("Ann", people[0])
    half = (people[0] + 1.2 * people[1]) / 1.2**2
    half /= (half**2).sum() ** 0.5
    lenient = recognise(image_of(half), similarity_threshold=0.5)
    strict = recognise(image_of(half), similarity_threshold=0.9, possible_threshold=0.5)
    assert lenient.result.images[0].faces[0].decision == "match"
    assert strict.result.images[0].faces[0].decision == "possible"
    assert strict.result.similarity_threshold == 0.9


def test_several_images_of_one_enrolment_make_one_subject(enrol, uow, collection, people):
    job = enrol("Ann", *people[:3])
    with uow() as work:
        [subject] = work.subjects.page(collection.id, after=None, limit=10)
    assert (subject.name, subject.face_count) == ("Ann", 3)
    assert len(job.result.face_ids) == 3
    assert job.progress.done == 3


def test_an_enrolled_photograph_is_kept_and_a_probe_is_not(enrol, recognise, uow, people):
    job = enrol("Ann", people[0])
    [face_id] = job.result.face_ids
    probe = recognise(image_of(people[0]))
    with uow() as work:
        assert work.faces.image(face_id) == b"photograph"
        assert work.jobs.image_ids(probe.id) == []


def test_one_bad_image_of_several_carries_its_own_error(claimed, finish, people):
    claim = claimed(JobType.DETECTION, images=2)
    job = finish(claim, lambda _: detected([image_of(people[0]), CorruptImageError()]))
    good, bad = job.result.images
    assert job.state is JobState.SUCCEEDED
    assert len(good.faces) == 1
    assert bad.error.type == "/problems/corrupt-image"


def test_a_job_fails_with_the_problem_when_no_image_is_good(claimed, finish):
    claim = claimed(JobType.DETECTION)
    job = finish(claim, lambda _: detected([CorruptImageError()]))
    assert job.state is JobState.FAILED
    assert job.error.type == "/problems/corrupt-image"
    assert job.error.instance == f"/v1/jobs/{job.id}"


def test_a_failed_enrolment_leaves_nothing_behind(claimed, finish, uow, model, clock, collection):
    claim = claimed(JobType.ENROLMENT, subject="Ann")
    job = finish(claim, lambda work: enrolled(work, claim, claim.parameters, [image_of()], clock))
    with uow() as work:
        assert work.subjects.page(collection.id, after=None, limit=10) == []
    assert job.error.type == f"/problems/{NoFaceError.slug}"


def test_verification_compares_the_face_of_each_image(claimed, finish, people, model):
    claim = claimed(JobType.VERIFICATION, images=2)
    job = finish(
        claim,
        lambda _: verified(claim.parameters, [image_of(people[0]), image_of(people[1])], model),
    )
    assert job.result.decision == "unknown"
    assert abs(job.result.similarity) < 0.4


def test_a_lost_claim_writes_nothing(claimed, desk, finish, uow, clock, people, collection):
    claim = claimed(JobType.ENROLMENT, subject="Ann")
    desk.cancel(claim.id)
    job = finish(
        claim, lambda work: enrolled(work, claim, claim.parameters, [image_of(people[0])], clock)
    )
    with uow() as work:
        assert work.subjects.page(collection.id, after=None, limit=10) == []
    assert job.state is JobState.CANCELLED


def test_a_passing_fault_leaves_the_job_running(claimed, finish, uow):
    claim = claimed(JobType.DETECTION)

    def fail(_):
        raise ServiceUnavailableError

    with pytest.raises(ServiceUnavailableError):
        finish(claim, fail)
    with uow() as work:
        assert work.jobs.get(claim.id).state is JobState.RUNNING


def test_the_end_of_a_job_and_its_deliveries_are_one(claimed, finish, uow, queue, clock):
    endpoint = Endpoint(
        id=new_id(),
        url="https://example.com/hook",
        secret="whsec_" + "A" * 32,
        events=frozenset({EventType.JOB_SUCCEEDED}),
        created_at=clock.now(),
    )
    disabled = replace(endpoint, id=new_id(), enabled=False)
    with uow() as work:
        work.endpoints.add(endpoint)
        work.endpoints.add(disabled)
        work.commit()
    job = finish(claimed(JobType.DETECTION), lambda _: Outcome(result=RESULT_OF[JobType.DETECTION]))
    with uow() as work:
        [delivery] = work.deliveries.page(endpoint.id, before=None, limit=10)
        assert work.deliveries.page(disabled.id, before=None, limit=10) == []
    assert delivery.payload["data"]["id"] == str(job.id)
    assert queue.deliveries == [delivery.id]


def test_a_threshold_is_fitted_once_and_again_when_the_collection_has_grown(
    enrol, recognise, people, cohort
):
    enrol("Ann", people[0])
    recognise(image_of(people[0]))
    recognise(image_of(people[1]))
    assert cohort.read_for == [1]
    enrol("Bob", people[1])
    recognise(image_of(people[1]))
    assert cohort.read_for == [1, 2]


def test_a_new_face_is_recognised_without_training(enrol, recognise, people):
    enrol("Ann", people[0])
    assert recognise(image_of(people[1])).result.images[0].faces[0].decision == "unknown"
    enrol("Bob", people[1])
    [face] = recognise(image_of(people[1])).result.images[0].faces
    assert (face.decision, face.candidates[0].subject) == ("match", "Bob")
    assert face.margin == pytest.approx(
        face.candidates[0].score - face.candidates[1].score, abs=1e-5
    )


def test_a_face_like_one_that_was_ruled_out_is_not_taken_for_the_subject(
    enrol, claimed, finish, recognise, people, clock, erase_faces
):
    enrol("Ann", people[0])
    lookalike = people[0] + 0.6 * people[1]
    lookalike /= (lookalike**2).sum() ** 0.5
    before = recognise(image_of(lookalike)).result.images[0].faces[0]
    claim = claimed(JobType.ENROLMENT, not_subject="Ann")
    ruled_out = finish(
        claim, lambda work: enrolled(work, claim, claim.parameters, [image_of(lookalike)], clock)
    )
    after = recognise(image_of(lookalike)).result.images[0].faces[0]
    still = recognise(image_of(people[0])).result.images[0].faces[0]
    erase_faces(ruled_out.result.face_ids)
    undone = recognise(image_of(lookalike)).result.images[0].faces[0]
    assert (before.decision, after.decision, still.decision, undone.decision) == (
        "match",
        "unknown",
        "match",
        "match",
    )
    assert after.candidates == ()


def test_nobody_can_be_ruled_out_who_is_not_known(claimed, finish, people, model, clock):
    claim = claimed(JobType.ENROLMENT, not_subject="Nobody")
    job = finish(
        claim, lambda work: enrolled(work, claim, claim.parameters, [image_of(people[0])], clock)
    )
    assert job.error.type == "/problems/not-found"


def test_the_model_of_a_collection_is_never_mixed(claimed, finish, people, model, cohort):
    other = replace(model, id="facenet-vggface2-512")
    claim = claimed(JobType.RECOGNITION)
    with pytest.raises(ModelChangedError):
        finish(
            claim,
            lambda work: identified(
                work,
                claim.collection_id,
                claim.parameters,
                [image_of(people[0])],
                model=other,
                classifiers=None,
                cohort=cohort,
            ),
        )


def test_without_a_cohort_of_strangers_the_nearest_face_decides(
    enrol, claimed, finish, people, model, classifiers
):
    enrol("Ann", people[0])
    claim = claimed(JobType.RECOGNITION)
    job = finish(
        claim,
        lambda work: identified(
            work,
            claim.collection_id,
            claim.parameters,
            [image_of(people[0])],
            model=model,
            classifiers=classifiers,
            cohort=None,
        ),
    )
    assert job.result.matcher == "nearest"
    assert job.result.images[0].faces[0].decision == "match"


def test_an_error_that_belongs_to_the_job_ends_it_at_once(claimed, finish, people, clock):
    """Not after minutes of patience with a database that works."""
    claim = claimed(JobType.ENROLMENT, subject=secrets.token_hex(9000))
    job = finish(
        claim, lambda work: enrolled(work, claim, claim.parameters, [image_of(people[0])], clock)
    )
    assert (job.state, job.attempt) == (JobState.FAILED, 1)
    assert job.error.type == "/problems/invalid-request"


@pytest.mark.parametrize("state", ["54000", "22021"])
def test_a_row_that_the_database_cannot_store_ends_the_job_at_once(claimed, finish, state):
    def conclude(work):
        work.jobs._session.execute(
            text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$")
        )

    job = finish(claimed(JobType.DETECTION), conclude)
    assert (job.state, job.attempt) == (JobState.FAILED, 1)
    assert job.error.type == "/problems/invalid-request"
