import numpy as np
import pytest

from workers.crops.alignment import (
    aligned_transforms,
    crop_faces,
    facenet_template,
    margin_crop,
    similarity_transform,
)
from workers.ports import DetectedFaces


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_similarity_transform_recovers_a_known_one(dtype):
    template = facenet_template(160).astype(dtype)
    angle, scale, shift = 0.4, 1.7, np.array([31, -12])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = ((template - shift) @ np.linalg.inv(turn).T).astype(dtype)

    (found,) = similarity_transform(landmarks[None], template)

    assert found.dtype == dtype
    np.testing.assert_allclose(found[:, :2], turn, atol=1e-4)
    np.testing.assert_allclose(found[:, 2], shift, atol=1e-2)


def test_similarity_transform_never_mirrors():
    template = facenet_template(112)
    mirrored = template * np.array([-1, 1], np.float32)

    (found,) = similarity_transform(mirrored[None], template)

    assert np.linalg.det(found[:, :2]) > 0


def test_similarity_transform_is_the_least_squares_one():
    chance = np.random.default_rng(0)
    template = facenet_template(112).astype(np.float64)
    landmarks = template + chance.normal(0, 4, template.shape)
    (found,) = similarity_transform(landmarks[None], template)

    def error(transform):
        return ((landmarks @ transform[:, :2].T + transform[:, 2] - template) ** 2).sum()

    for a, b, x, y in chance.normal(0, 0.01, (50, 4)):
        other = found + np.array([[a, -b, x], [b, a, y]])
        assert error(other) >= error(found)


def test_coinciding_landmarks_are_refused():
    with pytest.raises(ValueError, match="coincide"):
        similarity_transform(np.full((1, 5, 2), 7.0), facenet_template(112))


@pytest.mark.parametrize("turn", [0.0, 0.5, -1.2])
def test_alignment_undoes_scale_and_turn_and_widens_the_face(turn):
    face = np.array([[-30, -30], [30, -30], [0, 0], [-25, 30], [25, 30]], np.float32)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    upright, turned = (
        landmarks @ transform[:, :2].T + transform[:, 2]
        for landmarks in (face, 3 * face @ rotation.T + [400, 300])
        for transform in aligned_transforms(landmarks[None].astype(np.float32), size=160)
    )

    np.testing.assert_allclose(turned, upright, atol=0.01)
    eyes, nose = upright[1] - upright[0], upright[2]
    assert eyes[1] == pytest.approx(0, abs=0.01)
    assert nose[0] == pytest.approx(79.5, abs=0.01)
    assert eyes[0] / (upright[3] - upright[0])[1] == pytest.approx(1.15, abs=0.01)


@pytest.mark.parametrize(
    "box", [[-50, -50, -10, -10], [200, 10, 240, 40], [5, 5, 5, 5], [-20, -20, 200, 200]]
)
def test_margin_crop_gives_a_crop_for_any_box(box):
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)

    assert margin_crop(image, np.array(box, np.float32), size=32, margin=14).shape == (32, 32, 3)


def test_margin_crop_shows_the_box_and_its_border():
    image = np.zeros((100, 100, 3), np.uint8)
    image[20:80, 20:80] = 255

    crop = margin_crop(image, np.array([20, 20, 80, 80], np.float32), size=160, margin=32)

    bright = (crop[80, :, 0] > 127).sum()
    assert abs(bright - 128) <= 3
    assert crop[80, 0, 0] == 0


@pytest.mark.parametrize("recipe", ["margin-14", "aligned"])
def test_crops_come_in_the_order_of_the_faces(recipe):
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 100:] = 255
    places = facenet_template(60)
    faces = DetectedFaces(
        boxes=np.array([[120, 20, 180, 80], [20, 20, 80, 80]], np.float32),
        landmarks=np.stack([places + np.float32([120, 20]), places + np.float32([20, 20])]),
        confidences=np.array([0.9, 0.8], np.float32),
    )

    crops = crop_faces(image, faces, recipe=recipe, size=160)

    assert crops[0].mean() > 250
    assert crops[1].mean() < 5


def test_face_whose_landmarks_coincide_gets_the_margin_crop_and_the_others_theirs():
    image = np.random.default_rng(4).integers(0, 256, (100, 200, 3), dtype=np.uint8)
    places = np.float32([[20, 25], [40, 25], [30, 35], [22, 45], [38, 45]])
    boxes = np.float32([[10, 10, 50, 60], [110, 10, 150, 60]])
    landmarks = np.stack([np.full((5, 2), 30, np.float32), places + np.float32([100, 0])])

    def crop(index, recipe):
        faces = DetectedFaces(
            boxes=boxes[index],
            landmarks=landmarks[index],
            confidences=np.full(len(index), 0.9, np.float32),
        )
        return crop_faces(image, faces, recipe=recipe, size=160)

    both = crop([0, 1], "aligned")

    np.testing.assert_array_equal(both[0], crop([0], "margin-14")[0])
    np.testing.assert_array_equal(both[1], crop([1], "aligned")[0])
