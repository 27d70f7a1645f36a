"""The cascade against facenet-pytorch's, on real photographs."""

import numpy as np
import pytest

from tests.parity.settings import MIN_FACE_SIZE
from workers.detectors.mtcnn.detector import MtcnnDetector
from workers.engines.choose import build_engine
from workers.engines.openvino_engine import OpenVinoEngine


@pytest.fixture(params=["openvino, sifting", "openvino", "torch"], scope="module")
def engine(request, weights_dir):
    if request.param == "torch":
        return build_engine("torch", precision="bf16", device="cpu", weights_dir=weights_dir)
    return OpenVinoEngine(weights_dir, precision="bf16", sifts="sifting" in request.param)


@pytest.fixture(scope="module")
def detections(engine, images):
    detector = MtcnnDetector(engine, min_face_size=MIN_FACE_SIZE)
    batches = [images[start : start + 8] for start in range(0, len(images), 8)]
    return [faces for batch in batches for faces in detector.detect(batch)]


def test_at_least_fifty_photographs_are_compared(photographs):
    assert len(photographs) >= 50


def test_boxes_landmarks_and_confidences_equal_the_reference(
    detections, reference_detections, photographs
):
    for path, found, (boxes, confidences, landmarks) in zip(
        photographs, detections, reference_detections, strict=True
    ):
        if boxes is None:
            assert len(found) == 0, path
            continue
        assert found.boxes.shape == boxes.shape, path
        np.testing.assert_allclose(found.boxes, boxes.astype(float), atol=0.05, err_msg=str(path))
        np.testing.assert_allclose(found.landmarks, landmarks.astype(float), atol=0.05)
        np.testing.assert_allclose(found.confidences, confidences.astype(float), atol=1e-4)


def test_a_batch_finds_what_single_images_show(images, weights_dir):
    engine = build_engine("openvino", device="cpu", weights_dir=weights_dir)
    detector = MtcnnDetector(engine)

    together = detector.detect(images[:6])
    alone = [detector.detect([image])[0] for image in images[:6]]

    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.boxes, other.boxes, atol=0.01)
