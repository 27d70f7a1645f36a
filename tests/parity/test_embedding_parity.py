"""The whole pipeline against facenet-pytorch's detector, crop and network."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.parity.settings import MIN_FACE_SIZE
from workers.registry import build_pipeline
from workers.weights.store import load_arrays

MODEL = "facenet-msceleb-128"


@pytest.fixture(scope="module")
def reference_network(facenet_pytorch, weights_dir):
    """The library's own network with its last two layers made narrower, and our weights."""
    network = facenet_pytorch.InceptionResnetV1()
    network.last_linear = torch.nn.Linear(1792, 128, bias=False)
    network.last_bn = torch.nn.BatchNorm1d(128, eps=0.001)
    state = {k: torch.from_numpy(v) for k, v in load_arrays(weights_dir, MODEL).items()}
    network.load_state_dict(state, strict=True)
    return network.eval()


@pytest.fixture(scope="module")
def reference_vectors(
    facenet_pytorch, reference_network, reference_detector, reference_detections, images
):
    """One vector for the largest face of each image; None without a face."""
    vectors = []
    with torch.inference_mode():
        for image, (boxes, _, _) in zip(images, reference_detections, strict=True):
            if boxes is None:
                vectors.append(None)
                continue
            faces = reference_detector.extract(Image.fromarray(image), boxes, save_path=None)
            face = facenet_pytorch.prewhiten(faces[0])
            vectors.append(reference_network(face[None])[0].numpy())
    return vectors


@pytest.mark.parametrize(
    ("engine", "precision", "lowest"),
    [
        ("openvino", "fp32", 0.9999),
        ("torch", "fp32", 0.9999),
        ("openvino", "bf16", 0.999),
        ("openvino", "int8", 0.999),
        ("torch", "bf16", 0.999),
    ],
)
def test_embeddings_agree_with_the_reference(
    photographs, reference_vectors, weights_dir, engine, precision, lowest
):
    pipeline = build_pipeline(
        MODEL,
        engine=engine,
        precision=precision,
        device="cpu",
        min_face_size=MIN_FACE_SIZE,
        crop="margin-14",  # the reference's
        weights_dir=weights_dir,
    )
    # JPEG pixels are the same on both sides, as both read them by Pillow
    analyses = pipeline.analyse([path.read_bytes() for path in photographs])

    cosines = [
        float(np.dot(analysis.faces[0].embedding.vector, vector))
        for analysis, vector in zip(analyses, reference_vectors, strict=True)
        if vector is not None
    ]

    assert pipeline.engine_name.startswith(engine)
    assert pipeline.engine_name.endswith(precision)
    assert len(cosines) >= 50
    assert min(cosines) >= lowest
