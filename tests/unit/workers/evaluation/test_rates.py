from __future__ import annotations

import jaxtyping
import numpy as np
import pytest

from workers.evaluation.rates import (
    best_accuracy_threshold,
    expected_calibration_error,
    false_non_match_rate,
    log_likelihood_ratio_cost,
    threshold_at,
)

_IMPOSTORS = np.arange(100) / 100


def test_a_threshold_lets_pass_the_share_of_impostors_asked_for():
    threshold = threshold_at(_IMPOSTORS, 0.05)
    assert (threshold <= _IMPOSTORS).sum() == 5
    assert 0.94 < threshold < 0.95


def test_a_threshold_for_less_than_one_impostor_lets_none_pass():
    assert threshold_at(_IMPOSTORS, 0.001) > 0.99


def test_equal_impostors_are_let_pass_together_or_not_at_all():
    assert threshold_at(np.array([0.1, 0.5, 0.5, 0.5]), 0.5) > 0.5


def test_a_threshold_needs_impostors():
    with pytest.raises(ValueError, match="impostor"):
        threshold_at(np.array([]), 0.1)


def test_false_non_matches_are_the_genuine_below_the_threshold():
    assert false_non_match_rate(np.array([0.2, 0.4, 0.6, 0.8]), 0.4) == 0.25


def test_the_best_threshold_separates_what_can_be_separated():
    threshold = best_accuracy_threshold(
        np.array([0.9, 0.1, 0.8, 0.3]), np.array([True, False, True, False])
    )
    assert threshold == pytest.approx(0.55)


def test_the_best_threshold_gives_up_the_fewest():
    scores = np.array([0.1, 0.2, 0.9, 0.5, 0.6, 0.7])
    same = np.array([False, False, False, True, True, True])
    assert 0.2 < best_accuracy_threshold(scores, same) < 0.5


def test_the_best_threshold_does_not_separate_equals():
    threshold = best_accuracy_threshold(np.array([0.5, 0.5, 0.5]), np.array([True, True, False]))
    assert threshold < 0.5


def test_probabilities_that_come_true_have_no_calibration_error():
    stated = np.array([0.25] * 4 + [1.0] * 2)
    same = np.array([True, False, False, False, True, True])
    assert expected_calibration_error(stated, same) == pytest.approx(0)


def test_the_calibration_error_weighs_each_bin_by_its_size():
    stated = np.array([0.9] * 3 + [0.1])
    same = np.array([False, False, False, False])
    assert expected_calibration_error(stated, same) == pytest.approx((3 * 0.9 + 0.1) / 4)


def test_a_sure_error_costs_more_than_doubt():
    same = np.array([True, False])
    assert log_likelihood_ratio_cost(np.array([0.01, 0.01]), same) > 3
    assert log_likelihood_ratio_cost(np.array([0.99, 0.01]), same) < 0.02


def test_scores_of_another_shape_are_refused_while_tests_run():
    with pytest.raises(jaxtyping.TypeCheckError):
        threshold_at(np.zeros((2, 2)), 0.5)
