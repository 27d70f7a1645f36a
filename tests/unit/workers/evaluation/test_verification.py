from __future__ import annotations

import numpy as np
import pytest

from workers.evaluation.dataset import Pair
from workers.evaluation.verification import Comparisons, compare, parts, verification

_AT = {"a": [1.0, 0.0], "b": [0.6, 0.8], "c": [0.0, 1.0]}
_VECTORS = {file: np.array(vector, dtype=np.float32) for file, vector in _AT.items()}


def _half(scores):
    return np.full(len(scores), 0.5)


def _refit(_):
    return _half


def test_a_pair_is_scored_by_its_cosine():
    found = compare([Pair("1", "a", "b", same_person=True)], _VECTORS)
    assert found.scores.tolist() == pytest.approx([0.6])


def test_a_pair_without_a_vector_is_below_every_threshold():
    found = compare([Pair("1", "a", "missing", same_person=True)], _VECTORS)
    assert found.scores[0] < -1


def test_two_folds_are_cut_into_ten_parts_that_keep_to_their_fold():
    pairs = [
        Pair(fold, "a", "b", same_person=same)
        for fold in "12"
        for same in (True, False)
        for _ in range(20)
    ]
    numbers = parts(pairs)
    assert sorted(set(numbers.tolist())) == list(range(10))
    assert set(numbers[:40].tolist()) == set(range(5))
    for number in range(10):
        assert [p.same_person for p, n in zip(pairs, numbers, strict=True) if n == number] == (
            [True] * 4 + [False] * 4
        )


def test_ten_folds_stay_as_they_are():
    pairs = [Pair(str(fold), "a", "b", same_person=True) for fold in range(10) for _ in range(3)]
    assert parts(pairs).tolist() == [fold for fold in range(10) for _ in range(3)]


def test_a_part_is_judged_at_the_threshold_of_the_others():
    # alone, part 0 would be right everywhere at 0.25; the other part says 0.65
    found = Comparisons(
        scores=np.array([0.1, 0.4, 0.5, 0.8]),
        same=np.array([False, True, False, True]),
        parts=np.array([0, 0, 1, 1]),
    )
    result = verification(found, _half, _refit)
    assert result["accuracy"] == pytest.approx((0.5 + 0.5) / 2)


def test_error_rates_are_those_of_the_definition():
    impostors = np.arange(100) / 200
    genuine = np.array([0.1, 0.493, 0.6, 0.7])
    found = Comparisons(
        scores=np.concatenate([impostors, genuine]),
        same=np.repeat([False, True], [100, 4]),
        parts=np.arange(104) % 2,
    )
    result = verification(found, _half, _refit)
    # one impostor, 0.495, may pass at 1 %: the genuine 0.493 lies over the next
    assert result["fnmr_at_fmr_1e-2"] == pytest.approx(0.25)
    assert result["fnmr_at_fmr_1e-3"] == pytest.approx(0.5)
    assert result["calibration_error"] == pytest.approx(abs(0.5 - 4 / 104))


def test_a_pair_that_cannot_be_compared_is_counted_and_rejected():
    found = Comparisons(
        scores=np.array([-2.0, 0.9, 0.1, 0.2]),
        same=np.array([True, True, False, False]),
        parts=np.array([0, 0, 1, 1]),
    )
    result = verification(found, _half, _refit)
    assert result["not_compared"] == 1
    assert result["fnmr_at_fmr_1e-2"] == pytest.approx(0.5)
