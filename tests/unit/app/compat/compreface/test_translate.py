from __future__ import annotations

import pytest

from app.compat.compreface import translate
from app.compat.compreface.similarity import SimilarityCurve, load_curves, unit
from app.compat.compreface.translate import AnswerOptions
from app.domain.job_results import FaceResult, ImageSize, RankedCandidate, RankedFace
from tests.made_results import ANN, BOB, FOUND, SIZE, VECTOR

CURVE = SimilarityCurve(c0=1.1817961, c1=5.291995557)
IMAGE = ImageSize(**SIZE)
FACE = RankedFace(**FOUND, **VECTOR, candidates=(RankedCandidate(**ANN), RankedCandidate(**BOB)))


@pytest.mark.parametrize(
    ("cosine", "similarity"),
    [(0.8, 0.99702), (0.6, 0.95441), (0.4, 0.71381), (0.2, 0.29324), (0.0, 0.07872)],
)
def test_the_curve_is_that_of_compreface(cosine, similarity):
    assert translate.five_places(CURVE.of_cosine(cosine)) == similarity


def test_a_cosine_beyond_one_by_rounding_is_no_error():
    assert CURVE.of_cosine(1.0000001) == CURVE.of_cosine(1)


def test_every_model_beside_the_weights_has_a_curve_that_falls_with_the_distance():
    for curve in load_curves().values():
        assert curve.of_cosine(0.9) > 0.5 > curve.of_cosine(0)


def test_halves_are_rounded_away_from_zero():
    assert [translate.five_places(value) for value in (0.000005, 0.123455)] == [0.00001, 0.12346]


def test_a_box_is_whole_pixels_within_the_image():
    face = translate.face(FACE, IMAGE, AnswerOptions(), 5)
    assert face == {
        "box": {"probability": 0.98765, "x_max": 60, "y_max": 80, "x_min": 0, "y_min": 10}
    }
    unrounded = translate.face(FACE, IMAGE, AnswerOptions(rounded=False), 5)
    assert unrounded["box"]["probability"] == 0.9876543


def test_plugins_add_what_they_are_asked_for():
    options = AnswerOptions(
        plugins=frozenset({"landmarks", "calculator", "pose", "age"}), status=True
    )
    face = translate.face(FACE, IMAGE, options, 12.34)
    assert face["landmarks"] == [[20, 30], [41, 30], [30, 40], [22, 50], [38, 50]]
    assert face["embedding"] == (0.6, 0.8)
    assert face["pose"].keys() == {"pitch", "roll", "yaw"}
    assert face["execution_time"] == {"detector": 12.3}
    assert "age" not in face
    assert translate.versions(options, "m")["plugins_versions"]["calculator"] == "vultus.m"


def test_a_face_without_an_embedding_is_told_without():
    options = AnswerOptions(plugins=frozenset({"calculator"}))
    assert translate.face(FaceResult(**FOUND), IMAGE, options, 0).keys() == {"box"}


def test_a_cropped_face_has_empty_landmarks_and_no_pose():
    options = AnswerOptions(plugins=frozenset({"landmarks", "pose"}), cropped=True)
    face = translate.face(FACE, IMAGE, options, 0)
    assert face["landmarks"] == [[], [], [], [], []]
    assert "pose" not in face


def test_the_candidates_become_subjects_in_their_order():
    face = translate.recognised(FACE, IMAGE, AnswerOptions(), 0, CURVE)
    assert face["subjects"] == [
        {"subject": "Ann", "similarity": 0.8726},
        {"subject": "Bob", "similarity": 0.07872},
    ]


@pytest.mark.parametrize("vector", [[0, 0], [float("inf"), 1], [1e200, 1e200]])
def test_a_vector_without_a_direction_is_none(vector):
    found = unit(vector)
    assert found is None or sum(value**2 for value in found) == pytest.approx(1)
