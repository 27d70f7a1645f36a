from __future__ import annotations

import numpy as np
import pytest

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from tests.bench.search_vectors import nearest_subjects, populate
from workers.matching.cohort import cohort_path, read_cohort

COHORT = read_cohort(cohort_path(DEFAULT_WEIGHTS_DIR, "facenet-msceleb-128"))


def test_a_subject_counts_once_by_its_nearest_face():
    vectors = np.array([[1, 0], [0.9, 0.1], [0, 1], [-1, 0]], np.float32)
    subjects = np.array([7, 7, 8, 9])
    assert nearest_subjects(vectors, subjects, np.array([1, 0], np.float32), limit=2) == {7, 8}


def test_a_search_for_more_subjects_than_there_are_finds_all():
    vectors = np.eye(3, dtype=np.float32)
    assert nearest_subjects(vectors, np.array([1, 2, 1]), vectors[0], limit=10) == {1, 2}


def test_a_population_is_the_same_each_time():
    one, other = (populate(50, dimension=128, probes=4, cohort=COHORT) for _ in range(2))
    assert (one.vectors == other.vectors).all()
    assert (one.subjects == other.subjects).all()
    assert (one.probes == other.probes).all()


@pytest.mark.parametrize("dimension", [128, 512])
def test_made_faces_are_as_alike_as_real_ones(dimension):
    made = populate(1_000, dimension=dimension, probes=2, cohort=COHORT)
    assert np.linalg.norm(made.vectors, axis=1) == pytest.approx(1, abs=1e-5)
    cosines = made.vectors @ made.vectors.T
    same = made.subjects[:, None] == made.subjects[None, :]
    genuine = cosines[same & ~np.eye(1_000, dtype=bool)]
    strangers = COHORT.strangers @ COHORT.strangers.T
    others = strangers[np.triu_indices(len(strangers), 1)]
    assert np.median(genuine) == pytest.approx(np.median(COHORT.genuine), abs=0.03)
    assert cosines[~same].mean() == pytest.approx(others.mean(), abs=0.02)
    assert cosines[~same].std() == pytest.approx(others.std(), abs=0.02)
