import numpy as np
import pytest
from PIL import Image

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from workers.detectors.mtcnn.detector import MtcnnDetector
from workers.engines.choose import build_engine


@pytest.fixture(scope="module")
def detector():
    return MtcnnDetector(build_engine("openvino", weights_dir=DEFAULT_WEIGHTS_DIR))


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (10, 10), (1, 1000), (11, 300), (12, 12), (40, 40), (41, 13)]
)
def test_tiny_and_thin_images_hold_no_face_and_do_no_harm(detector, height, width):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)

    (faces,) = detector.detect([image])

    assert len(faces) == 0
    assert faces.landmarks.shape == (0, 5, 2)


@pytest.mark.parametrize("value", [0, 127, 255])
def test_an_even_image_holds_no_face(detector, value):
    (faces,) = detector.detect([np.full((200, 300, 3), value, np.uint8)])

    assert len(faces) == 0


def test_no_images_give_no_answers(detector):
    assert detector.detect([]) == []


def test_faces_come_largest_first(detector, sample):
    large = np.asarray(sample.resize((300, 300)))
    small = np.asarray(sample.resize((150, 150)))
    canvas = np.full((320, 480, 3), 128, np.uint8)
    canvas[10:160, 5:155] = small
    canvas[10:310, 170:470] = large

    (faces,) = detector.detect([canvas])

    sides = faces.boxes[:, 2] - faces.boxes[:, 0]
    assert len(faces) == 2
    assert sides[0] > 1.5 * sides[1]
    assert faces.boxes[0, 0] > faces.boxes[1, 0]


def test_convention_left_is_image_left(detector, sample):
    (faces,) = detector.detect([np.asarray(sample)])

    left_eye, right_eye, nose, left_mouth, right_mouth = faces.landmarks[0]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert left_eye[1] < nose[1] < left_mouth[1]


def test_detection_follows_a_mirrored_image(detector, sample):
    image = np.asarray(sample)

    (straight,), (mirrored,) = detector.detect([image]), detector.detect([image[:, ::-1].copy()])

    assert mirrored.boxes[0, 0] == pytest.approx(image.shape[1] - straight.boxes[0, 2], abs=12)


def test_face_larger_than_the_minimum_is_found_and_smaller_is_not(sample):
    engine = build_engine("openvino", weights_dir=DEFAULT_WEIGHTS_DIR)
    image = np.full((260, 260, 3), 128, np.uint8)
    image[:70, :70] = np.asarray(sample.resize((70, 70), Image.Resampling.LANCZOS))

    assert len(MtcnnDetector(engine, min_face_size=20).detect([image])[0]) == 1
    assert len(MtcnnDetector(engine, min_face_size=120).detect([image])[0]) == 0
