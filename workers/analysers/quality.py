"""Measuring how fit for recognition a face is."""

import math

import cv2
import numpy as np

from app.domain.detection import Detection
from app.domain.geometry import FiveLandmarks, Point
from app.domain.quality import FaceQuality
from workers.ports import Image

#: The turn at which counting ends: the eyes of a profile coincide, and any distance is infinite.
_MOST_TURNED = 2.0

#: Side to which a face is resized before its detail is judged, so that its size does not matter.
_SIDE = 96


def measure_quality(image: Image, detection: Detection) -> FaceQuality:
    """Measure one face of an image; a box that lies outside counts as black and without detail."""
    box = detection.box
    grey = _inside(image, detection)
    return FaceQuality(
        size_px=min(box.width, box.height),
        sharpness=_sharpness(grey),
        turn=head_turn(detection.landmarks),
        brightness=cv2.mean(grey)[0] if grey.size else 0.0,
        confidence=detection.confidence,
    )


def head_turn(landmarks: FiveLandmarks) -> float:
    """Return how far the nose is from the midline of the face, in eye distances.

    The midline runs from between the eyes to between the mouth's corners. A level head is at 0, a
    turn of 45 degrees at about 0.4; 2 stands for 2 or more, and for eyes that coincide.
    """
    eyes = _between(landmarks.image_left_eye, landmarks.image_right_eye)
    mouth = _between(landmarks.image_left_mouth, landmarks.image_right_mouth)
    length = math.dist(eyes, mouth)
    width = math.dist(landmarks.image_left_eye, landmarks.image_right_eye)
    if not length or not width:
        return _MOST_TURNED
    along = (mouth.x - eyes.x) / length, (mouth.y - eyes.y) / length
    nose = landmarks.nose.x - eyes.x, landmarks.nose.y - eyes.y
    return min(abs(nose[0] * along[1] - nose[1] * along[0]) / width, _MOST_TURNED)


def _between(first: Point, second: Point) -> Point:
    return Point((first.x + second.x) / 2, (first.y + second.y) / 2)


def _inside(image: Image, detection: Detection) -> np.ndarray:
    box = detection.box
    left, top = max(math.floor(box.x_min), 0), max(math.floor(box.y_min), 0)
    part = image[top : max(math.ceil(box.y_max), 0), left : max(math.ceil(box.x_max), 0)]
    if not part.size:
        return np.empty((0, 0), np.uint8)
    return cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)


def _sharpness(grey: np.ndarray) -> float:
    """Return the variance of the Laplacian over that of the brightness, 0 for an even patch.

    Source: Pech-Pacheco et al. 2000 for the Laplacian; the division takes out the contrast.
    """
    if not grey.size:
        return 0.0
    face = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    spread = _variance(face)
    return _variance(cv2.Laplacian(face, cv2.CV_16S)) / spread if spread > 1 else 0.0


def _variance(values: np.ndarray) -> float:
    _, deviation = cv2.meanStdDev(values)
    return float(deviation[0, 0]) ** 2
