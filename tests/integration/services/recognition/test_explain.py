"""What the answers say of how they were come to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.documents import to_document
from app.domain.job import JobType
from app.services.recognition.detect import detected
from tests.analyses import GOOD, image_of


def _face(job):
    [face] = job.result.images[0].faces
    return face


def test_a_face_tells_what_was_measured_and_that_nothing_is_wrong(claimed, finish, people):
    job = finish(claimed(JobType.DETECTION), lambda _: detected([image_of(people[0])]))
    assert to_document(_face(job).quality) == {
        "size_px": 90,
        "sharpness": 0.1,
        "turn": 0.1,
        "brightness": 120,
        "confidence": 0.99,
        "reasons": [],
    }


def test_a_poor_face_tells_each_value_and_the_limit_that_it_breaks(recognise, people):
    poor = replace(GOOD, size_px=25.5, turn=0.6)
    face = _face(recognise(image_of(people[0], quality=poor)))
    assert [to_document(one) for one in face.quality.reasons] == [
        {"issue": "too_small", "value": 25.5, "limit": 40},
        {"issue": "turned", "value": 0.6, "limit": 0.45},
    ]


def test_a_match_tells_the_face_that_carried_it_the_margin_and_the_strangers(
    enrol, recognise, people
):
    between = people[0] + 2 * people[1]
    ann = enrol("Ann", people[0], between / (between**2).sum() ** 0.5)
    enrol("Bob", people[2])
    face = _face(recognise(image_of(people[0])))
    first, second = face.candidates
    assert first.face_id == ann.result.face_ids[0]
    assert first.similarity == pytest.approx(1, abs=1e-5)
    assert face.margin == pytest.approx(first.score - second.score, abs=1e-5)
    assert face.expected_fpir < 0.01


def test_few_strangers_reach_the_score_of_a_match_and_many_that_of_no_match(
    enrol, recognise, people
):
    enrol("Ann", people[0])
    match = _face(recognise(image_of(people[0])))
    stranger = _face(recognise(image_of(people[5])))
    assert match.expected_fpir < 0.01 < stranger.expected_fpir


def test_nothing_is_known_of_strangers_where_only_faces_are_compared(
    enrol, recognise, people, collection, uow
):
    with uow() as work:
        work.collections.update(replace(collection, matcher="nearest"))
        work.commit()
    enrol("Ann", people[0])
    assert _face(recognise(image_of(people[0]))).expected_fpir is None


def test_an_answer_without_candidates_expects_nothing(recognise, people):
    face = _face(recognise(image_of(people[0])))
    assert (face.margin, face.expected_fpir) == (None, None)
