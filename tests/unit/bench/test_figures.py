from __future__ import annotations

import numpy as np
import pytest

from tests.bench.agreement import compare
from tests.bench.contestants import Seen
from tests.bench.figures import percentile, ratio


def seen(*boxes):
    return Seen(np.array(boxes, float).reshape(-1, 4), np.eye(4)[: len(boxes)])


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_a_value_that_was_measured(share, expected):
    assert percentile(range(100, 0, -1), share) == expected


def test_a_ratio_is_taken_round_by_round():
    found = ratio([10, 40, 90], [1, 2, 3])
    assert (found.median, found.least, found.most) == (20, 10, 30)
    assert str(found) == "20.00 (10.00-30.00)"


def test_a_ratio_of_series_of_unequal_length_is_refused():
    with pytest.raises(ValueError, match="zip"):
        ratio([1, 2], [1])


def test_faces_are_paired_by_overlap_whatever_their_order():
    one = seen((0, 0, 10, 10), (50, 50, 70, 70))
    other = Seen(one.boxes[::-1] + 1, one.vectors[::-1])
    found = compare([one], [other])
    assert (found.faces, found.recall, found.extra) == (2, 1.0, 0)
    assert (found.box_median_px, found.box_worst_px) == (1, 1)
    assert found.cosine_least == pytest.approx(1)


def test_a_face_missed_lowers_recall_and_a_face_invented_is_counted():
    reference = [seen((0, 0, 10, 10), (50, 50, 70, 70)), seen()]
    found = compare(reference, [seen((0, 0, 10, 10)), seen((5, 5, 9, 9))])
    assert (found.recall, found.extra) == (0.5, 1)


def test_two_boxes_upon_one_face_are_not_both_right():
    found = compare([seen((0, 0, 10, 10))], [seen((0, 0, 10, 10), (0, 0, 10, 9))])
    assert (found.recall, found.extra) == (1.0, 1)
