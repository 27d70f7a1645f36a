"""What is under a legal hold is not erased in any way, and goes when it is lifted."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from factories import caller
from sqlalchemy import text

from app.compat.compreface.usecases import examples
from app.compat.compreface.usecases.applications import (
    NewService,
    create_service,
    delete_application,
    delete_service,
)
from app.domain.compreface import ServiceType
from app.domain.consent import ConsentTerms
from app.domain.errors import ConflictError, ConsentRequiredError, LegalHoldError, NotFoundError
from app.domain.identity import new_id
from app.domain.job import Job, JobState, Progress
from app.domain.job_parameters import EnrolmentParameters
from app.services.access.tenants import create_tenant, delete_tenant
from app.services.people.collections import delete_collection, update_collection
from app.services.people.consents import give_consent, list_consents, withdraw_consent
from app.services.people.faces import delete_face, relabel_face
from app.services.people.legal_holds import get_hold, lift_hold, place_hold
from app.services.people.subjects import delete_subject
from app.services.recognition.enrol import enrolled
from app.storage.unit_of_work import SqlUnitOfWork
from tests.analyses import MODEL, image_of

CALLER = caller()
TERMS = ConsentTerms(purpose="access-control", text_version="2026-05")


@pytest.fixture
def hold(uow, collection, clock):
    """Return a function that holds a subject or the collection, and beside it one that lifts."""

    def place(subject=None, *, reference="case-1", home=None):
        return place_hold(
            str(home or collection.id),
            subject,
            reference=reference,
            caller=CALLER,
            uow=uow,
            clock=clock,
        )

    place.lift = lambda subject=None: lift_hold(str(collection.id), subject, caller=CALLER, uow=uow)
    return place


@pytest.fixture
def names(uow, collection):
    """Return a function that names whom the stored faces show."""

    def read():
        with uow() as work:
            faces = work.faces.page(collection.id, subject_id=None, after=None, limit=99)
        return sorted(str(face.subject) for face in faces)

    return read


def _deletions(uow, collection, face_id, clock, receipts):
    home = str(collection.id)
    asked = {"receipts": receipts, "caller": CALLER, "uow": uow}
    return {
        "the face": lambda: delete_face(home, face_id, **asked),
        "its subject": lambda: delete_subject(home, "Ann", **asked),
        "its collection": lambda: delete_collection(home, **asked),
        "its name": lambda: relabel_face(
            home, face_id, subject="Bob", not_subject=None, caller=CALLER, uow=uow, clock=clock
        ),
    }


@pytest.mark.parametrize("whole", [False, True])
def test_nothing_that_is_held_is_removed(
    enrol, hold, people, uow, collection, clock, receipts, whole
):
    held = None if whole else "Ann"
    [face_id] = enrol("Ann", people[0]).result.face_ids
    hold(held)
    deletions = _deletions(uow, collection, face_id, clock, receipts)
    for deletion in deletions.values():
        with pytest.raises(LegalHoldError, match="Have an admin lift the hold with DELETE /v1/"):
            deletion()
    with uow() as work:
        assert work.faces.get(face_id).subject == "Ann"
    hold.lift(held)
    for what in ("the face", "its subject", "its collection"):
        deletions[what]()


def test_a_hold_on_one_subject_lets_others_go(
    enrol, hold, people, uow, collection, names, receipts
):
    enrol("Ann", people[0])
    enrol("Bob", people[1])
    hold("Ann")
    delete_subject(str(collection.id), "Bob", receipts=receipts, caller=CALLER, uow=uow)
    assert names() == ["Ann"]


def test_a_held_collection_keeps_its_subjects_without_faces(hold, uow, collection, receipts):
    with uow() as work:
        work.subjects.ensure(collection.id, "Ann")
        work.commit()
    hold()
    with pytest.raises(LegalHoldError):
        delete_subject(str(collection.id), "Ann", receipts=receipts, caller=CALLER, uow=uow)


def test_retention_waits_for_the_end_of_a_hold(
    enrol, hold, people, uow, collection, clock, run_sweep, names
):
    update_collection(
        str(collection.id), {"retention_days": 1}, caller=CALLER, uow=uow, clock=clock
    )
    enrol("Ann", people[0])
    enrol("Bob", people[1])
    hold("Ann")
    clock.moment += timedelta(days=1, seconds=1)
    run_sweep()
    assert names() == ["Ann"]
    hold.lift("Ann")
    run_sweep()
    assert names() == []


def test_a_withdrawal_is_recorded_and_erases_when_the_hold_is_lifted(
    enrol, hold, people, uow, collection, receipts, run_sweep, names
):
    home = str(collection.id)
    with uow() as work:
        work.subjects.ensure(collection.id, "Ann")
        work.commit()
    consent = give_consent(
        home, "Ann", TERMS, given_at=None, caller=CALLER, uow=uow, clock=receipts.clock
    )
    enrol("Ann", people[0])
    hold("Ann")
    withdrawal = withdraw_consent(
        home, "Ann", consent.id, receipts=receipts, caller=CALLER, uow=uow
    )
    assert (withdrawal.faces_erased, withdrawal.held) == (0, True)
    assert enrol("Ann", people[0]).error.type == "/problems/consent-required"
    run_sweep()
    assert names() == ["Ann"]
    hold.lift("Ann")
    run_sweep()
    assert names() == []
    assert len(list_consents(home, "Ann", caller=CALLER, uow=uow)) == 1


def test_an_expiry_waits_for_the_end_of_a_hold(
    enrol, hold, people, uow, collection, clock, run_sweep, names
):
    day = clock.now() + timedelta(days=1)
    enrol(
        "Ann",
        people[0],
        consent_purpose="door",
        consent_text_version="1",
        consent_expires_at=day.isoformat(),
    )
    hold()
    clock.moment = day
    run_sweep()
    assert names() == ["Ann"]
    hold.lift()
    run_sweep()
    assert names() == []


def test_enrolment_and_search_go_on(enrol, hold, people, recognise, names):
    enrol("Ann", people[0])
    hold()
    enrol("Ann", people[0])
    [image] = recognise(image_of(people[0])).result.images
    assert image.faces[0].candidates[0].subject == "Ann"
    assert names() == ["Ann", "Ann"]


def test_a_hold_is_placed_once_and_shown(hold, uow, collection, clock):
    home = str(collection.id)
    placed, new = hold()
    assert (new, hold(), get_hold(home, None, caller=CALLER, uow=uow)) == (
        True,
        (placed, False),
        placed,
    )
    assert (placed.placed_by, placed.placed_at) == (CALLER.owner_id, clock.now())
    with pytest.raises(ConflictError, match="case-1"):
        hold(reference="case-2")
    with pytest.raises(NotFoundError):
        hold("nobody")
    with uow() as work:
        work.subjects.ensure(collection.id, "Ann")
        work.commit()
    with pytest.raises(NotFoundError):
        get_hold(home, "Ann", caller=CALLER, uow=uow)


class Door:
    """A recognition service with a face of Ann's and one of Bob's."""

    def __init__(self, uow, clock, claim_and_enrol):
        wanted = NewService(
            application="door", name="front", type=ServiceType.RECOGNITION, model=MODEL
        )
        self.service, _ = create_service(wanted, uow=uow, clock=clock)
        self.ann, self.bob = (claim_and_enrol(self.service, name) for name in ("Ann", "Bob"))


@pytest.fixture
def door(uow, queue, clock, model, people, finish):
    def claim_and_enrol(service, name):
        job = Job(
            id=new_id(),
            parameters=EnrolmentParameters(subject=name),
            state=JobState.QUEUED,
            owner_id=service.id,
            collection_id=service.collection_id,
            progress=Progress(total=1),
            created_at=clock.now(),
        )
        with uow() as work:
            work.jobs.add(job, images=[b"photograph"], publish_at=job.created_at)
            claim, _ = work.jobs.claim_named(job.id, worker="test", lease=timedelta(seconds=30))
            work.commit()
        images = [image_of(people[0 if name == "Ann" else 1])]
        ended = finish(claim, lambda work: enrolled(work, claim, claim.parameters, images, clock))
        return ended.result.face_ids[0]

    return Door(uow, clock, claim_and_enrol)


def test_no_call_of_a_service_removes_what_is_held(door, hold, uow, clock, receipts):
    service = door.service
    hold("Ann", home=service.collection_id)
    asked = {"receipts": receipts, "caller": CALLER, "uow": uow}
    ways = (
        lambda: examples.delete_subject(service, "ann", **asked),
        lambda: examples.delete_all_subjects(service, **asked),
        lambda: examples.delete_examples(service, [door.bob, door.ann], **asked),
        lambda: examples.delete_examples_of(service, None, **asked),
        lambda: examples.delete_examples_of(service, "Ann", **asked),
        lambda: examples.rename_or_merge(service, "Ann", "Bob", uow=uow, clock=clock),
        lambda: delete_service(service.id, **asked),
        lambda: delete_application(service.application_id, **asked),
    )
    for way in ways:
        with pytest.raises(LegalHoldError):
            way()
    found = examples.list_examples(service, subject=None, offset=0, limit=9, uow=uow)
    assert [face.subject for face in found.faces] == ["Ann", "Bob"]
    assert examples.rename_or_merge(service, "Bob", "Ann", uow=uow, clock=clock)
    assert examples.subject_names(service, uow=uow) == ["Ann"]


def test_a_merge_carries_the_consents_and_overrides_no_withdrawal(door, uow, clock, receipts):
    home = str(door.service.collection_id)

    def agree(name):
        return give_consent(home, name, TERMS, given_at=None, caller=CALLER, uow=uow, clock=clock)

    def merge():
        return examples.rename_or_merge(door.service, "Ann", "Bob", uow=uow, clock=clock)

    agree("Ann")
    bobs = agree("Bob")
    withdraw_consent(home, "Bob", bobs.id, receipts=receipts, caller=CALLER, uow=uow)
    with pytest.raises(ConsentRequiredError):
        merge()
    agree("Bob")
    assert merge()
    assert len(list_consents(home, "Bob", caller=CALLER, uow=uow)) == 3


def test_a_tenant_with_something_held_stays(engine, uow, hold, clock, receipts):
    tenant = create_tenant("acme", uow=uow, clock=clock)
    wanted = NewService(application="a", name="b", type=ServiceType.RECOGNITION, model=MODEL)
    service, _ = create_service(wanted, uow=partial(SqlUnitOfWork, engine, tenant.id), clock=clock)
    hold(home=service.collection_id)
    with pytest.raises(LegalHoldError, match="tenant"):
        delete_tenant("acme", receipts=receipts, uow=uow)
    lift_hold(str(service.collection_id), None, caller=CALLER, uow=uow)
    delete_tenant("acme", receipts=receipts, uow=uow)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM faces",
        "DELETE FROM subjects",
        "DELETE FROM collections",
        "DELETE FROM tenants",
        "UPDATE faces SET subject_id = NULL",
    ],
)
def test_the_database_refuses_by_itself(enrol, hold, people, uow, names, statement, whole):
    """The second wall: whoever forgets to ask is refused all the same, and told so."""
    enrol("Ann", people[0])
    hold(None if whole else "Ann")
    with pytest.raises(LegalHoldError), uow() as work:
        work._session.execute(text(statement))
        work.commit()
    assert names() == ["Ann"]
