"""What has been enrolled is found by the next search; nobody waits for a training."""

from __future__ import annotations

import pytest

from app.domain.job import JobState
from app.domain.matching import Matcher
from tests.analyses import image_of

NEWCOMER = 7


def _best(job):
    [face] = job.result.images[0].faces
    return face.decision, face.candidates[0].subject if face.candidates else None


@pytest.mark.parametrize("matcher", list(Matcher))
@pytest.mark.parametrize("trained", [True, False])
def test_a_new_person_is_found_by_the_search_after_their_enrolment(
    matcher, trained, crowd, train, choose, enrol, recognise, photographs
):
    choose(matcher=matcher)
    if trained:
        assert train().result.accepted
    before = recognise(image_of(photographs(NEWCOMER)[0]))
    assert _best(before)[0] != "match"
    assert enrol("newcomer", photographs(NEWCOMER)[0]).state is JobState.SUCCEEDED
    after = recognise(image_of(photographs(NEWCOMER)[0]))
    assert _best(after) == ("match", "newcomer")


def test_a_new_face_carries_the_match_from_the_next_search_on(
    crowd, train, enrol, recognise, photographs
):
    train()
    [vector] = photographs(2)
    enrolment = enrol("person 2", vector)
    job = recognise(image_of(vector))
    [face] = job.result.images[0].faces
    assert face.candidates[0].face_id == enrolment.result.face_ids[0]


def test_a_removed_person_is_not_found_by_the_next_search(
    crowd, train, uow, collection, recognise, photographs
):
    train()
    with uow() as work:
        person = work.subjects.find(collection.id, "person 2")
        work.erasures.people(collection.id, subject_ids=[person.id])
        work.commit()
    decision, subject = _best(recognise(image_of(photographs(2)[0])))
    assert (decision, subject == "person 2") == ("unknown", False)
