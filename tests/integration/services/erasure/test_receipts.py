"""Who is erased is in no table, and nobody else is touched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from factories import caller
from sqlalchemy import text

from app.domain.audit import Action
from app.domain.erasure import Erased
from app.domain.identity import new_id
from app.domain.job import JobState, JobType
from app.domain.job_parameters import EnrolmentParameters
from app.domain.job_request import JobRequest
from app.services.access.tenants import create_tenant
from app.services.erasure.receipts import erase_expired
from app.services.people.collections import delete_collection
from app.services.recognition.enrol import enrolled
from app.services.recognition.identify import identified
from app.storage.unit_of_work import SqlUnitOfWork
from tests.analyses import image_of


@pytest.fixture
def search(model, classifiers, cohort):
    """Find out whom a vector shows, as the last part of a job."""
    return lambda work, claim, vector: identified(
        work,
        claim.collection_id,
        claim.parameters,
        [image_of(vector)],
        model=model,
        classifiers=classifiers,
        cohort=cohort,
    )


@pytest.fixture
def with_retention(uow, collection):
    """Let faces that are enrolled from now on go after a day."""
    with uow() as work:
        work.collections.update(replace(collection, retention_days=1))
        work.commit()


@pytest.fixture
def subject_id(uow, collection):
    def find(name):
        with uow() as work:
            found = work.subjects.find(collection.id, name)
        return None if found is None else found.id

    return find


@pytest.fixture
def erase(uow, collection, subject_id):
    """Erase a subject by name; return the rows that went."""

    def run(name):
        with uow() as work:
            rows = work.erasures.people(collection.id, subject_ids=[subject_id(name)])
            work.commit()
        return rows

    return run


@pytest.fixture
def job(uow):
    def get(job_id):
        with uow() as work:
            return work.jobs.get(job_id)

    return get


def test_a_person_goes_with_every_job_that_tells_of_them_and_no_other(
    enrol, recognise, erase, people, subject_id, submitted, job
):
    telling = [
        enrol("Ann", people[0], people[1]),
        submitted(JobType.ENROLMENT, subject="Ann"),
        submitted(JobType.ENROLMENT, subject="ann", any_case=True),
    ]
    enrol("Bob", people[2])
    telling.append(recognise(image_of(people[0])))
    enrol("Cleo", people[3])
    erase("Ann")
    telling.append(recognise(image_of(people[3])))
    somebody_elses = submitted(JobType.ENROLMENT, subject="cleo")
    rows = erase("Cleo")
    assert [job(one.id) for one in telling] == [None] * 5
    assert job(somebody_elses.id).state is JobState.QUEUED
    assert (subject_id("Ann"), subject_id("Cleo")) == (None, None)
    assert subject_id("Bob") is not None
    assert rows == {
        **dict.fromkeys(("subjects", "faces", "embeddings", "prototypes", "photographs"), 1),
        "jobs": 2,
        **dict.fromkeys(("trainings", "uploads", "idempotency_keys"), 0),
    }


def test_a_name_that_was_changed_is_found_in_older_results(
    enrol, recognise, erase, people, subject_id, uow, job
):
    enrol("Ann", people[0])
    found = recognise(image_of(people[0]))
    with uow() as work:
        work.subjects.rename(subject_id("Ann"), "Bea")
        work.commit()
    erase("Bea")
    assert job(found.id) is None


def test_what_was_sent_under_a_key_is_forgotten(enrol, erase, people, desk, collection):
    request = JobRequest(
        parameters=EnrolmentParameters(subject="Ann"),
        owner_id=new_id(),
        collection_id=collection.id,
        images=[b"one", b"two"],
    )
    desk.submit(request, route="faces", idempotency_key="k")
    enrol("Ann", people[0])
    rows = erase("Ann")
    assert (rows["jobs"], rows["uploads"], rows["idempotency_keys"]) == (2, 2, 1)


def test_the_late_result_of_a_running_enrolment_is_refused(
    enrol, claimed, erase, people, desk, subject_id
):
    enrol("Ann", people[0])
    claim = claimed(JobType.ENROLMENT, subject="Ann")
    erase("Ann")
    images = [image_of(people[0])]
    assert not desk.complete(
        claim, lambda work: enrolled(work, claim, claim.parameters, images, desk.clock)
    )
    assert subject_id("Ann") is None


def test_a_result_that_is_being_written_is_waited_for_and_goes(
    enrol, claimed, erase, people, search, desk, job
):
    enrol("Ann", people[0])
    claim = claimed(JobType.RECOGNITION)
    erasure = []
    with ThreadPoolExecutor(1) as thread:

        def conclude(work):
            outcome = search(work, claim, people[0])
            assert "Ann" in str(outcome.result)
            erasure.append(thread.submit(erase, "Ann"))
            with pytest.raises(TimeoutError):
                erasure[0].result(0.5)
            return outcome

        desk.complete_together([(claim, conclude)])
        assert erasure[0].result(10)["jobs"] == 2
    assert job(claim.id) is None


def test_somebody_who_is_not_the_erased_keeps_a_face_that_says_so(
    enrol, erase, people, uow, subject_id, collection
):
    enrol("Ann", people[0])
    face = enrol("Bob", people[1]).result.face_ids[0]
    with uow() as work:
        work.faces.relabel(
            face, subject_id=subject_id("Bob"), rejected_subject_id=subject_id("Ann")
        )
        work.commit()
    erase("Ann")
    with uow() as work:
        [kept] = work.faces.page(collection.id, subject_id=None, after=None, limit=9)
    assert (kept.subject, kept.rejected_subject) == ("Bob", None)


def test_a_collection_goes_with_all_its_jobs(enrol, people, submitted, uow, collection, job):
    done, waiting = enrol("Ann", people[0], people[1]), submitted(JobType.RECOGNITION)
    with uow() as work:
        rows = work.erasures.collection(collection.id)
        work.commit()
    assert (job(done.id), job(waiting.id)) == (None, None)
    assert (rows["faces"], rows["photographs"], rows["jobs"], rows["uploads"]) == (2, 2, 2, 1)


def test_a_collection_goes_beside_an_enrolment_that_ends_and_neither_fails(
    claimed, people, desk, collection, receipts, uow, clock
):
    claim = claimed(JobType.ENROLMENT, subject="Ann")
    asked = {"receipts": receipts, "caller": caller(), "uow": uow}
    delete = partial(delete_collection, str(collection.id), **asked)
    deletion = []
    with ThreadPoolExecutor(1) as thread:

        def conclude(work):
            deletion.append(thread.submit(delete))
            with pytest.raises(TimeoutError):
                deletion[0].result(0.3)
            return enrolled(work, claim, claim.parameters, [image_of(people[0])], clock)

        assert desk.complete(claim, conclude)
        assert deletion[0].result(10).result.stores["faces"] == 1


@pytest.mark.usefixtures("with_retention")
def test_faces_past_their_time_take_their_results_and_their_subject_along(
    enrol, recognise, people, uow, clock, receipts, subject_id, job
):
    enrol("Ann", people[0])
    found = recognise(image_of(people[0]))
    clock.moment += timedelta(hours=12)
    enrol("Bob", people[1])
    clock.moment += timedelta(hours=13)
    for _ in range(2):
        erase_expired(receipts, limit=10, uow=uow)
    assert (subject_id("Ann"), job(found.id)) == (None, None)
    assert subject_id("Bob") is not None
    with uow() as work:
        [receipt] = work.jobs.page(
            owner_id=None, states=[], types=[JobType.ERASURE], before=None, limit=9
        )
    assert receipt.state is JobState.SUCCEEDED
    assert receipt.result.erased == Erased.EXPIRED_FACES
    assert receipt.result.stores["subjects"] == 1
    assert "Ann" not in str(receipt.result)


@pytest.mark.usefixtures("with_retention")
def test_what_went_by_itself_is_recorded_in_its_own_tenants_trail(
    enrol, people, collection, engine, uow, clock, receipts
):
    tenant = create_tenant("acme", uow=uow, clock=clock)
    enrol("Ann", people[0])
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE collections SET tenant_id = :tenant WHERE id = :id"),
            {"tenant": tenant.id, "id": collection.id},
        )
    clock.moment += timedelta(hours=25)
    erase_expired(receipts, limit=10, uow=uow)
    with SqlUnitOfWork(engine, tenant.id) as work:
        [record] = work.audit.page(action=Action.EXPIRE_FACES, target_id=None, before=None, limit=9)
    assert (record.target_id, record.details) == (collection.id, {"faces": 1})
