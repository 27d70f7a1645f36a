import numpy as np
import pytest

from workers.detectors.mtcnn.boxes import suppress_contained
from workers.detectors.mtcnn.candidates import may_survive, probabilities

LOGIT_ERROR, SHARE_ERROR = 0.15, 0.06


def surviving(boxes, logits):
    return may_survive(
        np.array(boxes, np.float32),
        np.array(logits, np.float32),
        maximum_share=0.7,
        logit_error=LOGIT_ERROR,
        share_error=SHARE_ERROR,
    ).tolist()


def test_box_that_a_better_one_covers_is_out():
    assert surviving([[0, 0, 99, 99], [5, 5, 90, 90]], [8, 6]) == [True, False]


def test_nearly_equal_boxes_both_stay():
    assert surviving([[0, 0, 99, 99], [5, 5, 90, 90]], [8, 7.8]) == [True, True]


def test_none_is_out_where_two_scores_may_be_equal_in_float32():
    boxes = [[0, 0, 99, 99], [5, 5, 90, 90], [10, 10, 90, 90]]

    assert surviving(boxes, [18, 17, 5]) == [True, True, True]
    assert surviving(boxes, [18, 10, 5]) == [True, False, False]


def test_box_is_not_out_for_one_that_may_itself_be_suppressed():
    near_equals = [[0, 0, 99, 99], [4, 0, 103, 99]]

    assert surviving([*near_equals, [20, 0, 119, 99]], [8, 7.9, 5]) == [True, True, True]


def test_box_covered_by_little_more_than_the_limit_stays():
    assert surviving([[0, 0, 99, 99], [28, 0, 127, 99]], [8, 5]) == [True, True]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_out_changes_nothing_for_any_values_within_the_errors(seed):
    chance = np.random.default_rng(seed)
    low = chance.uniform(0, 60, (40, 2))
    boxes = np.concatenate([low, low + chance.uniform(60, 90, (40, 1))], axis=1).astype(np.float32)
    logits = chance.uniform(0, 14, 40).astype(np.float32)
    kept = np.array(surviving(boxes, logits))

    for _ in range(20):
        true = logits + chance.uniform(-LOGIT_ERROR, LOGIT_ERROR, 40).astype(np.float32)
        moved = boxes + chance.uniform(-0.4, 0.4, boxes.shape).astype(np.float32)
        scores = probabilities(true)
        everything = suppress_contained(moved, scores, maximum_share=0.7)
        some = np.flatnonzero(kept)
        index = suppress_contained(moved[some], scores[some], maximum_share=0.7)
        assert sorted(some[index]) == sorted(everything)
