"""Points, boxes and landmarks in the pixels of the upright image.

Convention: ``(x, y)`` with y down; whole numbers are pixel centres; "left" is the image's left,
so the person's right eye is the ``image_left_eye`` of a face that looks into the camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Point(NamedTuple):
    """A place in an image."""

    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundingBox:
    """An upright rectangle given by its corners; it may reach beyond the image."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    @property
    def width(self) -> float:
        """Distance of the corners, without a "+ 1"."""
        return self.x_max - self.x_min

    @property
    def height(self) -> float:
        """Distance of the corners, without a "+ 1"."""
        return self.y_max - self.y_min

    @property
    def area(self) -> float:
        """Width times height in square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> Point:
        """The middle of the box."""
        return Point((self.x_min + self.x_max) / 2, (self.y_min + self.y_max) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class FiveLandmarks:
    """The five points that MTCNN finds, in its order."""

    image_left_eye: Point
    image_right_eye: Point
    nose: Point
    image_left_mouth: Point
    image_right_mouth: Point

    def __iter__(self) -> Iterator[Point]:
        """Yield the points in MTCNN's order."""
        yield self.image_left_eye
        yield self.image_right_eye
        yield self.nose
        yield self.image_left_mouth
        yield self.image_right_mouth
