from __future__ import annotations

import numpy as np
import pytest

from tests.bench.search_vectors import nearest_subjects, populate

NO_REAL = np.empty((0, 0))


def test_a_subject_counts_once_by_its_nearest_face():
    vectors = np.array([[1, 0], [0.9, 0.1], [0, 1], [-1, 0]], np.float32)
    subjects = np.array([7, 7, 8, 9])
    assert nearest_subjects(vectors, subjects, np.array([1, 0], np.float32), limit=2) == {7, 8}


def test_a_search_for_more_subjects_than_there_are_finds_all():
    vectors = np.eye(3, dtype=np.float32)
    assert nearest_subjects(vectors, np.array([1, 2, 1]), vectors[0], limit=10) == {1, 2}


def test_a_population_is_the_same_each_time():
    one, other = (populate(50, dimension=16, probes=4, real=NO_REAL) for _ in range(2))
    assert (one.vectors == other.vectors).all()
    assert (one.subjects == other.subjects).all()
    assert (one.probes == other.probes).all()


def test_photographs_of_one_person_are_alike_and_of_two_are_not():
    made = populate(500, dimension=128, probes=2, real=NO_REAL)
    assert np.linalg.norm(made.vectors, axis=1) == pytest.approx(1, abs=1e-5)
    cosines = made.vectors @ made.vectors.T
    same = made.subjects[:, None] == made.subjects[None, :]
    assert cosines[same & ~np.eye(500, dtype=bool)].mean() == pytest.approx(0.75, abs=0.05)
    assert abs(cosines[~same].mean()) < 0.05
