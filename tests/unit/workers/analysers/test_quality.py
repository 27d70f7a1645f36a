import cv2
import numpy as np
import pytest

from app.domain.detection import Detection
from app.domain.geometry import BoundingBox, FiveLandmarks, Point
from workers.analysers.quality import head_turn, measure_quality


def _landmarks(nose_x=50, turn=0.0):
    points = np.array([[30, 40], [70, 40], [nose_x, 60], [35, 80], [65, 80]], float) - 50
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return FiveLandmarks(
        **dict(
            zip(
                FiveLandmarks.__dataclass_fields__,
                [Point(*point) for point in (points @ rotation.T + 50).tolist()],
                strict=True,
            )
        )
    )


def _measured(image, box=(0, 0, 100, 100)):
    corners = dict(zip(("x_min", "y_min", "x_max", "y_max"), map(float, box), strict=True))
    detection = Detection(box=BoundingBox(**corners), landmarks=_landmarks(), confidence=0.98)
    return measure_quality(image, detection)


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)


def test_a_nose_on_the_midline_is_no_turn():
    assert head_turn(_landmarks()) == pytest.approx(0)


@pytest.mark.parametrize("roll", [0.0, 0.7, -2.0])
@pytest.mark.parametrize("nose_x", [40, 60])
def test_a_turn_is_the_noses_distance_in_eye_distances_however_the_head_leans(nose_x, roll):
    assert head_turn(_landmarks(nose_x, roll)) == pytest.approx(0.25)


def test_eyes_that_coincide_are_a_profile():
    assert head_turn(FiveLandmarks(
        image_left_eye=Point(5, 5), image_right_eye=Point(5, 5), nose=Point(9, 8),
        image_left_mouth=Point(5, 9), image_right_mouth=Point(6, 9),
    )) == 2  # fmt: skip


def test_blur_lowers_sharpness_and_contrast_does_not(noise):
    blurred = _measured(cv2.GaussianBlur(noise, (0, 0), 3))
    faint = _measured(100 + noise // 8)
    sharp = _measured(noise)
    assert blurred.sharpness < sharp.sharpness / 20
    assert faint.sharpness == pytest.approx(sharp.sharpness, rel=0.1)


def test_an_even_patch_has_no_detail():
    assert _measured(np.full((100, 100, 3), 90, np.uint8)).sharpness == 0


def test_brightness_and_size_are_those_of_the_box():
    image = np.zeros((100, 100, 3), np.uint8)
    image[20:60, 10:60] = 200
    found = _measured(image, (10, 20, 60, 60))
    assert found.brightness == 200
    assert found.size_px == 40
    assert found.confidence == 0.98


@pytest.mark.parametrize("box", [(-50, -50, -10, -10), (150, 0, 190, 40), (5, 5, 5, 5)])
def test_a_box_that_shows_nothing_is_dark(box, noise):
    assert _measured(noise, box).brightness == 0


def test_a_box_over_the_edge_is_judged_by_what_it_shows(noise):
    assert _measured(noise, (-30, -30, 60, 60)).brightness == pytest.approx(127, abs=6)
