"""No face without a valid consent where one is required, and none after it has ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from factories import caller
from sqlalchemy import text

from app.domain.consent import ConsentTerms
from app.domain.errors import ConflictError, ConsentRequiredError, ValidationFailedError
from app.domain.identity import new_id
from app.domain.job import JobState, JobType
from app.domain.job_parameters import EnrolmentParameters
from app.domain.job_request import JobRequest
from app.services.people.collections import update_collection
from app.services.people.consents import give_consent, list_consents, withdraw_consent
from app.services.people.faces import relabel_face
from app.services.recognition.enrol import enrolled
from tests.analyses import image_of

CALLER = caller()
TERMS = ConsentTerms(purpose="access-control", text_version="2026-05")
STATED = {"consent_purpose": "access-control", "consent_text_version": "2026-05"}


@pytest.fixture
def require(uow, collection, clock):
    """Require consents from now on."""

    def switch(*, on=True):
        changes = {"require_consent": on}
        return update_collection(str(collection.id), changes, caller=CALLER, uow=uow, clock=clock)

    return switch


@pytest.fixture
def agree(uow, collection, clock):
    """Record a consent of a subject, which is made if need be."""

    def record(name="Ann", **terms):
        with uow() as work:
            work.subjects.ensure(collection.id, name)
            work.commit()
        return give_consent(
            str(collection.id),
            name,
            replace(TERMS, **terms),
            given_at=None,
            caller=CALLER,
            uow=uow,
            clock=clock,
        )

    return record


@pytest.fixture
def withdraw(uow, collection, receipts):
    def end(consent, name="Ann"):
        return withdraw_consent(
            str(collection.id), name, consent.id, receipts=receipts, caller=CALLER, uow=uow
        )

    return end


@pytest.fixture
def faces(uow, collection):
    """Return a function that counts the stored faces."""

    def count():
        with uow() as work:
            return len(work.faces.page(collection.id, subject_id=None, after=None, limit=99))

    return count


def _slug(job):
    return job.error.type.rpartition("/")[2]


def test_nobody_is_enrolled_without_a_consent_where_one_is_required(enrol, require, people, faces):
    require()
    job = enrol("Ann", people[0])
    assert (job.state, _slug(job), faces()) == (JobState.FAILED, "consent-required", 0)


def test_a_face_of_nobody_has_no_consent(enrol, require, people, agree, faces):
    require()
    agree("Ann")
    assert _slug(enrol(None, people[0])) == "consent-required"
    assert _slug(enrol(None, people[0], not_subject="Ann")) == "consent-required"
    assert faces() == 0


def test_whoever_has_agreed_is_enrolled(enrol, require, people, agree, faces):
    require()
    agree("Ann")
    assert enrol("Ann", people[0]).state is JobState.SUCCEEDED
    assert enrol("ann", people[0], any_case=True).state is JobState.SUCCEEDED
    assert _slug(enrol("Bob", people[1])) == "consent-required"
    assert faces() == 2


def test_a_consent_that_comes_with_the_photographs_is_recorded_once(
    enrol, require, people, uow, collection, clock
):
    require()
    first = enrol("Ann", people[0], **STATED)
    enrol("Ann", people[0], **STATED)
    [consent] = list_consents(str(collection.id), "Ann", caller=CALLER, uow=uow)
    assert (consent.terms, consent.given_at) == (TERMS, first.created_at)
    assert enrol("Ann", people[0]).state is JobState.SUCCEEDED


def test_a_consent_whose_photograph_is_refused_is_not_recorded(enrol, require, uow, collection):
    require()
    refused = enrol("Ann", images=[replace(image_of([1.0] * 128), faces=())], **STATED)
    assert _slug(refused) == "no-face"
    with uow() as work:
        assert work.subjects.find(collection.id, "Ann") is None


def test_an_expired_consent_admits_nobody(enrol, require, people, agree, clock, faces):
    require()
    agree(expires_at=clock.now() + timedelta(days=1))
    clock.moment += timedelta(days=1)
    assert _slug(enrol("Ann", people[0])) == "consent-required"
    expired = {**STATED, "consent_expires_at": (clock.now() - timedelta(hours=1)).isoformat()}
    assert _slug(enrol("Ann", people[0], **expired)) == "consent-required"
    assert faces() == 0


def test_a_withdrawal_erases_faces_and_photographs_at_once(
    enrol, people, agree, withdraw, faces, engine
):
    consent = agree()
    enrol("Ann", people[0], people[0])
    enrol("Bob", people[1])
    withdrawal = withdraw(consent)
    assert (withdrawal.faces_erased, withdrawal.held, faces()) == (2, False, 1)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM images")) == 1


def test_a_withdrawal_ends_every_consent_and_leaves_them_as_evidence(
    agree, withdraw, uow, collection, clock
):
    first, second = agree(), agree(purpose="time-keeping")
    withdraw(first)
    clock.moment += timedelta(hours=1)
    again = withdraw(second)
    found = list_consents(str(collection.id), "Ann", caller=CALLER, uow=uow)
    assert [one.id for one in found] == [second.id, first.id]
    assert {one.withdrawn_at for one in found} == {again.consent.withdrawn_at}
    assert again.consent.withdrawn_at == clock.now() - timedelta(hours=1)


def test_whoever_has_withdrawn_is_not_enrolled_again_even_where_none_is_required(
    enrol, people, agree, withdraw, faces
):
    withdraw(agree())
    assert _slug(enrol("Ann", people[0])) == "consent-required"
    agree(text_version="2026-06")
    assert enrol("Ann", people[0]).state is JobState.SUCCEEDED


def test_a_consent_sent_before_the_withdrawal_does_not_survive_it(
    claimed, finish, model, clock, agree, withdraw, people, faces
):
    consent = agree()
    claim = claimed(JobType.ENROLMENT, subject="Ann", **STATED)
    clock.moment += timedelta(seconds=5)
    withdraw(consent)
    ended = finish(
        claim, lambda work: enrolled(work, claim, claim.parameters, [image_of(people[0])], clock)
    )
    assert (_slug(ended), faces()) == ("consent-required", 0)


def test_faces_go_when_the_last_consent_expires(enrol, agree, people, run_sweep, clock, faces):
    agree("Ann", expires_at=clock.now() + timedelta(days=1))
    agree("Bob", expires_at=clock.now() + timedelta(days=1))
    agree("Bob", text_version="2026-06", expires_at=clock.now() + timedelta(days=9))
    for name, vector in (("Ann", people[0]), ("Bob", people[1]), ("Cleo", people[2])):
        enrol(name, vector)
    clock.moment += timedelta(hours=23)
    run_sweep()
    assert faces() == 3
    clock.moment += timedelta(hours=1)
    run_sweep()
    assert faces() == 2
    clock.moment += timedelta(days=8)
    run_sweep()
    assert faces() == 1


def test_a_collection_with_people_who_have_not_agreed_cannot_begin_to_require_it(
    enrol, require, people, agree, uow, collection
):
    enrol("Ann", people[0])
    enrol("Bob", people[1])
    enrol(None, people[2])
    agree("Ann")
    with pytest.raises(ConflictError, match=r"1 subjects .* 1 faces without a subject"):
        require()
    with uow() as work:
        assert not work.collections.get(collection.id).require_consent
        for face in work.faces.page(collection.id, subject_id=None, after=None, limit=9):
            if face.subject != "Ann":
                work.erasures.people(collection.id, face_ids=[face.id])
        work.commit()
    assert require().require_consent


def test_a_submit_that_would_fail_is_refused_at_once(require, agree, desk, queue, collection):
    require()
    agree("Ann")

    def submit(**parameters):
        return desk.submit(
            JobRequest(
                parameters=EnrolmentParameters(**parameters),
                owner_id=new_id(),
                collection_id=collection.id,
                images=[b"image"],
            ),
            route="/",
        )

    for refused in ({"subject": "Bob"}, {}, {"not_subject": "Ann"}):
        with pytest.raises(ConsentRequiredError):
            submit(**refused)
    for taken in ({"subject": "Ann"}, {"subject": "Bob", **STATED}):
        assert submit(**taken).job.id in dict(queue.jobs)


def test_a_face_is_not_given_to_whom_has_not_agreed(
    enrol, require, agree, people, uow, collection, clock
):
    agree("Ann")
    agree("Bob")
    require()
    [face_id] = enrol("Ann", people[0]).result.face_ids

    def give(subject):
        return relabel_face(
            str(collection.id),
            face_id,
            subject=subject,
            not_subject=None,
            caller=CALLER,
            uow=uow,
            clock=clock,
        )

    for refused in ("Cleo", None):
        with pytest.raises(ConsentRequiredError):
            give(refused)
    assert give("Bob").subject == "Bob"


def test_a_copy_of_a_collection_has_the_consents_too(enrol, require, agree, people, uow, clock):
    agree("Ann")
    home = require()
    enrol("Ann", people[0])
    copy = replace(home, id=new_id(), name="copy")
    with uow() as work:
        work.collections.add(copy)
        work.collections.copy_people(home.id, copy.id)
        work.commit()
    [consent] = list_consents("copy", "Ann", caller=CALLER, uow=uow)
    assert consent.terms == TERMS
    with uow() as work:
        [face] = work.faces.page(copy.id, subject_id=None, after=None, limit=9)
    assert face.subject == "Ann"


def test_the_database_refuses_a_face_that_the_services_let_through(
    monkeypatch, enrol, require, people, faces
):
    """The second wall: whoever forgets to ask is refused all the same, and told so."""
    require()
    monkeypatch.setattr("app.services.recognition.enrol.admitted_terms", lambda *_, **__: None)
    assert _slug(enrol("Ann", people[0])) == "consent-required"
    assert faces() == 0


def test_a_consent_that_is_over_before_it_began_is_refused(agree, clock, uow, collection):
    with pytest.raises(ValidationFailedError, match="future"):
        agree(expires_at=clock.now())
    with pytest.raises(ValidationFailedError, match="past"):
        give_consent(
            str(collection.id),
            "Ann",
            TERMS,
            given_at=clock.now() + timedelta(seconds=1),
            caller=CALLER,
            uow=uow,
            clock=clock,
        )
