"""How a head is turned, from the five landmarks of its face."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Where the points are on a face of ordinary build, in millimetres from between the eyes: to the
#: image's right, down, and towards the camera. The order is that of the landmarks.
_MODEL = (
    (-32.0, 0.0, 0.0),
    (32.0, 0.0, 0.0),
    (0.0, 36.0, 26.0),
    (-25.0, 66.0, 8.0),
    (25.0, 66.0, 8.0),
)
_MIDDLE = [sum(point[axis] for point in _MODEL) / len(_MODEL) for axis in range(3)]
_CENTRED = [[value - mean for value, mean in zip(point, _MIDDLE, strict=True)] for point in _MODEL]

_NORMAL = [[sum(p[i] * p[j] for p in _CENTRED) for j in range(3)] for i in range(3)]


def head_pose(points: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Return pitch, roll and yaw in degrees; 0 looks straight and upright into the camera.

    Pitch grows as the head is lowered, roll as it leans clockwise in the image, yaw as it turns to
    the image's right. Source: pose from orthography and scaling (DeMenthon and Davis 1995): the two
    rows that carry the model to the image by least squares are the upper rows of a scaled rotation.

    >>> head_pose([(x, y) for x, y, _ in _MODEL])
    (0.0, 0.0, 0.0)
    """
    middle = [sum(point[axis] for point in points) / len(points) for axis in range(2)]
    right, down = (_solve([point[axis] - middle[axis] for point in points]) for axis in range(2))
    lengths = math.hypot(*right), math.hypot(*down)
    if not all(lengths):
        return 0.0, 0.0, 0.0
    right = [value / lengths[0] for value in right]
    down = [value / lengths[1] for value in down]
    yaw = math.asin(max(-1.0, min(1.0, right[2])))
    pitch = math.asin(max(-1.0, min(1.0, down[2])))
    roll = math.atan2(down[0] - right[1], right[0] + down[1])
    return _degrees(pitch), _degrees(roll), _degrees(yaw)


def _solve(values: Sequence[float]) -> list[float]:
    """Return the row that carries the model's points to the values by least squares."""
    wanted = [
        sum(p[i] * value for p, value in zip(_CENTRED, values, strict=True)) for i in range(3)
    ]
    replaced = (
        [[wanted[i] if j == k else _NORMAL[i][j] for j in range(3)] for i in range(3)]
        for k in range(3)
    )
    return [_determinant(matrix) / _determinant(_NORMAL) for matrix in replaced]


def _determinant(m: Sequence[Sequence[float]]) -> float:
    return (
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
        - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    )


def _degrees(angle: float) -> float:
    return round(math.degrees(angle), 5) + 0.0
