from __future__ import annotations

import numpy as np
import pytest

from app.compat.compreface.pose import _MODEL, head_pose


def turn(angle, first, second):
    """The rotation by an angle in degrees that carries the second axis to the first."""
    matrix, radians = np.eye(3), np.radians(angle)
    matrix[first, first] = matrix[second, second] = np.cos(radians)
    matrix[first, second], matrix[second, first] = np.sin(radians), -np.sin(radians)
    return matrix


#: Across the image, down, towards the camera.
TURNS = {"pitch": (1, 2), "roll": (1, 0), "yaw": (0, 2)}


@pytest.mark.parametrize("angle", [-40, -10, 0, 25, 40])
def test_each_angle_is_found_whatever_size_and_place(angle):
    for place, axes in enumerate(TURNS.values()):
        points = 0.7 * (np.array(_MODEL) @ turn(angle, *axes).T)[:, :2] + [200, 90]
        expected = [0.0, 0.0, 0.0]
        expected[place] = angle
        assert head_pose(points.tolist()) == pytest.approx(expected, abs=0.1)


def test_points_that_coincide_have_no_pose():
    assert head_pose([(3, 4)] * 5) == (0, 0, 0)
