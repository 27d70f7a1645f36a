from __future__ import annotations

import cv2
import numpy as np
import pytest

from workers.crops.warping import warp


def _dot(x, y, *, side=400, radius=20):
    image = np.zeros((side, side, 3), np.uint8)
    return cv2.circle(image, (x, y), radius, (255, 255, 255), -1, cv2.LINE_AA)


def _middle(crop):
    rows, columns = np.mgrid[: crop.shape[0], : crop.shape[1]]
    weights = crop[..., 0].astype(float)
    return [(columns * weights).sum() / weights.sum(), (rows * weights).sum() / weights.sum()]


@pytest.mark.parametrize("scale", [1.5, 1.0, 0.7, 0.25, 0.1])
def test_a_point_lands_where_the_transform_carries_it(scale):
    turn = np.array([[0.8, -0.6], [0.6, 0.8]]) * scale
    shift = np.array([50, 50]) - turn @ [230, 170]
    crop = warp(_dot(230, 170), np.c_[turn, shift].astype(np.float32), size=100)
    assert _middle(crop) == pytest.approx([50, 50], abs=0.15)


def test_fine_patterns_turn_grey_when_shrunk():
    image = np.indices((800, 800)).sum(axis=0).astype(np.uint8) % 2 * 255
    crop = warp(
        np.repeat(image[..., None], 3, axis=2), np.array([[0.2, 0, 0], [0, 0.2, 0]]), size=160
    )
    assert np.abs(crop[5:-5, 5:-5].astype(int) - 127).max() <= 3


def test_what_lies_outside_is_black():
    image = np.full((400, 400, 3), 255, np.uint8)
    crop = warp(image, np.array([[0.25, 0, 50], [0, 0.25, 0]]), size=100)
    assert crop[50, 20].max() == 0
    assert crop[50, 80].min() == 255


def test_a_face_that_lies_outside_gives_a_black_crop():
    crop = warp(_dot(230, 170), np.array([[0.25, 0, 5000], [0, 0.25, 0]]), size=100)
    assert crop.shape == (100, 100, 3)
    assert crop.max() == 0
