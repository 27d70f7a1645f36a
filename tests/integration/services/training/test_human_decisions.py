"""What a person has said of a face stays, whatever runs later."""

from __future__ import annotations

import pytest
from factories import caller

from app.domain.job import JobType
from app.services.people.faces import relabel_face
from app.services.recognition.enrol import enrolled
from tests.analyses import image_of


@pytest.fixture
def say(uow, collection, clock):
    """Return a function that says whom a face shows, or whom it does not."""

    def relabel(face_id, *, subject=None, not_subject=None):
        relabel_face(
            str(collection.id),
            face_id,
            subject=subject,
            not_subject=not_subject,
            caller=caller(),
            uow=uow,
            clock=clock,
        )

    return relabel


@pytest.fixture
def said(uow):
    """Return a function that tells what is stored of a face."""

    def read(face_id):
        with uow() as work:
            face = work.faces.get(face_id)
        return face.subject, face.rejected_subject

    return read


@pytest.fixture
def run_everything(train, recognise, photographs, run_sweep):
    """Train, sweep and recognise, so that whatever may write has written."""

    def run():
        for _ in range(2):
            train()
            run_sweep()
            for person in range(3):
                recognise(image_of(photographs(person)[0]))

    return run


def test_a_relabelled_face_keeps_its_label(crowd, say, said, run_everything):
    moved = crowd[0][0]
    run_everything()
    say(moved, subject="person 1")
    run_everything()
    assert said(moved) == ("person 1", None)


def test_a_face_that_was_ruled_out_stays_so(crowd, say, said, run_everything):
    ruled_out = crowd[0][0]
    say(ruled_out, not_subject="person 0")
    run_everything()
    assert said(ruled_out) == (None, "person 0")


def test_a_face_that_was_left_to_nobody_stays_nobodys(crowd, say, said, run_everything):
    left = crowd[0][0]
    say(left)
    run_everything()
    assert said(left) == (None, None)


def test_a_ruled_out_face_is_ruled_out_under_a_classifier_too(
    crowd, say, train, store_faces, photographs, recognise
):
    train()
    [lookalike] = photographs(0)
    [face_id] = store_faces("person 5", [lookalike])
    before = recognise(image_of(lookalike)).result
    say(face_id, not_subject="person 0")
    after = recognise(image_of(lookalike)).result
    assert (before.matcher, after.matcher) == ("classifier", "classifier")
    for answer, is_there in ((before, True), (after, False)):
        [face] = answer.images[0].faces
        assert ("person 0" in [one.subject for one in face.candidates]) is is_there


def test_an_enrolment_that_runs_again_does_not_take_a_word_back(
    claimed, finish, say, said, photographs, model, clock
):
    [vector] = photographs(0)
    claim = claimed(JobType.ENROLMENT, subject="person 0")
    once = finish(
        claim, lambda work: enrolled(work, claim, claim.parameters, [image_of(vector)], clock)
    )
    [face_id] = once.result.face_ids
    say(face_id, subject="person 1")
    finish(claim, lambda work: enrolled(work, claim, claim.parameters, [image_of(vector)], clock))
    assert said(face_id) == ("person 1", None)
