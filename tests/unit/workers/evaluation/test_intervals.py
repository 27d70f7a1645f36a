from __future__ import annotations

import numpy as np
import pytest

from workers.evaluation.intervals import bootstrap_interval, rate_interval, weighted_threshold
from workers.evaluation.rates import threshold_at


def test_the_interval_of_a_mean_is_that_of_theory():
    values = np.random.default_rng(3).normal(size=400)
    low, high = bootstrap_interval(lambda weights: float((weights * values).sum() / 400), 400)
    assert low == pytest.approx(values.mean() - 1.96 / 20, abs=0.02)
    assert high == pytest.approx(values.mean() + 1.96 / 20, abs=0.02)


def test_no_error_among_few_trials_is_no_proof_of_a_small_rate():
    assert rate_interval(0.0, 399)[1] > 0.009
    assert rate_interval(0.0, 39_900)[1] < 0.0001


def test_a_threshold_over_equal_weights_is_the_plain_one():
    scores = np.linspace(1, 0, 50)
    expected = threshold_at(scores, 0.1)
    assert weighted_threshold(scores, np.ones(50), 0.1 * 50) == expected


def test_a_person_drawn_twice_counts_twice():
    assert weighted_threshold(np.array([0.9, 0.8, 0.7]), np.array([2, 1, 1]), 2) > 0.8
    assert weighted_threshold(np.array([0.9, 0.8, 0.7]), np.array([2, 1, 1]), 1) > 0.9
