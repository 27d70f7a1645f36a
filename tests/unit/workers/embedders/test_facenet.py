import numpy as np
import pytest

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from workers.embedders.facenet import FaceNetEmbedder, prewhiten
from workers.engines.choose import build_engine
from workers.registry import model_card

MODEL = "facenet-msceleb-128"


def embedder(**options):
    engine = build_engine(
        "openvino", precision="fp32", device="cpu", weights_dir=DEFAULT_WEIGHTS_DIR
    )
    return FaceNetEmbedder(engine, model_card(MODEL), **options)


@pytest.fixture(scope="module")
def crops(sample):
    face = np.asarray(sample.resize((160, 160)))
    return np.stack([face, face[:, ::-1], np.random.default_rng(0).integers(0, 256, face.shape)])[
        :3
    ].astype(np.uint8)


def test_vectors_are_of_length_one_and_do_not_depend_on_the_batch(crops):
    plain = embedder()

    together = plain.embed(crops)

    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for crop, vector in zip(crops, together, strict=True):
        np.testing.assert_allclose(plain.embed(crop[None])[0], vector, atol=1e-4)


def test_brightness_and_contrast_do_not_matter_to_a_prewhitened_model(crops):
    face = crops[:1]
    pale = (face * 0.5 + 60).astype(np.uint8)

    one, other = embedder().embed(np.concatenate([face, pale]))

    assert float(one @ other) > 0.99


def test_flip_makes_a_face_and_its_mirror_image_equal(crops):
    one, other = embedder(flip=True).embed(crops[:2])

    np.testing.assert_allclose(one, other, atol=1e-5)


def test_no_crops_give_no_vectors():
    assert embedder().embed(np.empty((0, 160, 160, 3), np.uint8)).shape == (0, 128)


def test_prewhiten_of_an_even_crop_is_finite():
    assert not prewhiten(np.full((1, 8, 8, 3), 9, np.float32)).any()
