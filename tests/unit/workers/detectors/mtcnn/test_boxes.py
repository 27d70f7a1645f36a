import numpy as np
import pytest

from workers.detectors.mtcnn.boxes import suppress_contained, suppress_overlaps, whole_pixels_inside


def random_boxes(count, seed):
    chance = np.random.default_rng(seed)
    low = chance.uniform(0, 60, (count, 2))
    boxes = np.concatenate([low, low + chance.uniform(5, 40, (count, 2))], axis=1)
    return boxes.astype(np.float32), chance.uniform(0.1, 1, count).astype(np.float32)


def iou(one, other):
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = np.maximum(high - low, 0).prod()
    return shared / ((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - shared)


@pytest.mark.parametrize("seed", range(5))
def test_suppression_keeps_no_two_that_overlap_and_drops_none_that_does_not(seed):
    boxes, scores = random_boxes(60, seed)

    kept = suppress_overlaps(boxes, scores, maximum_iou=0.5).tolist()

    assert kept == sorted(kept, key=lambda i: -scores[i])
    for place, index in enumerate(kept):
        assert all(iou(boxes[index], boxes[other]) <= 0.5 for other in kept[:place])
    for index in set(range(60)) - set(kept):
        assert any(
            iou(boxes[index], boxes[other]) > 0.5 and scores[other] >= scores[index]
            for other in kept
        )


def test_of_equal_scores_the_first_survives_overlap_suppression():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10]], np.float32)

    kept = suppress_overlaps(boxes, np.ones(2, np.float32), maximum_iou=0.5)

    assert kept.tolist() == [0]


@pytest.mark.parametrize("seed", range(10))
def test_of_equal_scores_the_one_survives_that_numpy_sorts_last(seed):
    """The reference sorts in this way, and on some processors the order of equals is any."""
    chance = np.random.default_rng(seed)
    boxes = np.tile(np.array([[0, 0, 99, 99]], np.float32), (24, 1))
    scores = chance.uniform(0.7, 0.9, 24).astype(np.float32)
    scores[chance.choice(24, 2, replace=False)] = 1

    kept = suppress_contained(boxes, scores, maximum_share=0.7)

    assert kept.tolist() == [np.argsort(scores)[-1]]


def test_boxes_side_by_side_are_not_contained():
    boxes = np.array([[0, 0, 49, 49], [45, 0, 94, 49]], np.float32)

    kept = suppress_contained(boxes, np.array([0.8, 0.9], np.float32), maximum_share=0.7)

    assert kept.tolist() == [1, 0]


def test_suppression_of_nothing_is_nothing():
    boxes, scores = np.empty((0, 4), np.float32), np.empty(0, np.float32)

    assert suppress_overlaps(boxes, scores, maximum_iou=0.5).size == 0
    assert suppress_contained(boxes, scores, maximum_share=0.7).size == 0


def test_pixel_range_of_a_box_outside_is_empty():
    (found,) = whole_pixels_inside(np.array([[30, 3, 40, 9]], np.float32), width=20, height=10)

    assert found[2] <= found[0]
