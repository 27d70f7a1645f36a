import numpy as np
import pytest

from tests.analyses import unit_vectors
from workers.matching.comparison import compare_faces


def _faces(people, each, noise, seed=0):
    centres = unit_vectors(people, seed=seed)
    drawn = np.repeat(centres, each, axis=0)
    drawn = drawn + noise * np.random.default_rng(seed).standard_normal(drawn.shape)
    vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return vectors, [f"person {n // each}" for n in range(people * each)]


def test_a_model_that_tells_people_apart_beats_one_that_does_so_less():
    good, bad = (compare_faces(*_faces(30, 4, noise), target_fpir=0.05) for noise in (0.05, 0.14))
    assert (good["searches"], good["rank1"], good["identified"]) == (120, 1.0, 1.0)
    assert bad["rank1"] < good["rank1"]
    assert bad["identified"] < bad["rank1"]
    assert bad["separation"] < good["separation"]


def test_the_threshold_is_what_the_targets_part_of_strangers_reaches():
    vectors, subjects = _faces(30, 4, 0.1)
    found = compare_faces(vectors, subjects, target_fpir=0.1)
    cosines = vectors @ vectors.T
    others = np.array(subjects)[:, None] != np.array(subjects)[None]
    best = np.where(others, cosines, -1).max(axis=1)
    assert (best > found["threshold"]).mean() == pytest.approx(
        0.1, abs=0.02
    )  # pairs have one value


def test_a_vector_that_is_turned_changes_no_figure():
    vectors, subjects = _faces(20, 3, 0.1)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((512, 128)))[0]
    turned = (vectors @ turn.T).astype(np.float32)
    first, second = (compare_faces(one, subjects, target_fpir=0.01) for one in (vectors, turned))
    assert second == pytest.approx(first, abs=1e-4)


@pytest.mark.parametrize("subjects", [[], ["Ann"], ["Ann", "Bob"], ["Ann", "Ann"]])
def test_what_there_is_too_little_for_is_left_out(subjects):
    vectors = unit_vectors(2)[: len(subjects)].astype(np.float32).reshape(len(subjects), 128)
    found = compare_faces(vectors, subjects, target_fpir=0.01)
    assert found["searches"] == (2 if subjects == ["Ann", "Ann"] else 0)
    assert (found["rank1"] is None) == (found["searches"] == 0)
    assert found["separation"] is None
