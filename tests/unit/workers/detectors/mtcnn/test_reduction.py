import numpy as np
import pytest

from workers.detectors.mtcnn.reduction import LARGEST_PIXELS, reduced
from workers.ports import DetectedFaces


def faces():
    return DetectedFaces(
        boxes=np.float32([[10, 20, 30, 50]]),
        landmarks=np.arange(10, dtype=np.float32).reshape(1, 5, 2),
        confidences=np.float32([0.9]),
    )


def test_usual_photograph_is_looked_at_as_it_is():
    image = np.zeros((3024, 4032, 3), np.uint8)

    view = reduced(image, min_face_size=40)

    assert view.image is image
    assert view.min_face_size == 40
    found = faces()
    assert view.restored(found) is found


@pytest.mark.parametrize("shape", [(5000, 5000), (5001, 4999), (12_000, 2_083), (2_083, 12_000)])
def test_larger_photograph_is_reduced_and_its_faces_are_put_back(shape):
    view = reduced(np.zeros((*shape, 3), np.uint8), min_face_size=100)

    assert view.image.shape[0] * view.image.shape[1] <= LARGEST_PIXELS
    assert view.min_face_size == 50
    restored = view.restored(faces())
    np.testing.assert_allclose(restored.boxes, [[20, 40, 60, 100]], rtol=1e-3)
    np.testing.assert_allclose(restored.landmarks[0, 4], [16, 18], rtol=1e-3)
    assert restored.confidences.tolist() == faces().confidences.tolist()


@pytest.mark.parametrize(("wanted", "found"), [(30, 20), (40, 20), (15, 15)])
def test_smallest_face_keeps_twenty_pixels_unless_fewer_were_asked_for(wanted, found):
    assert reduced(np.zeros((5000, 5000, 3), np.uint8), min_face_size=wanted).min_face_size == found


def test_reduced_pixels_are_means_of_blocks():
    image = np.zeros((5000, 5000, 3), np.uint8)
    image[::2] = 200

    assert np.all(reduced(image, min_face_size=40).image == 100)
