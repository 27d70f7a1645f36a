"""The converted FaceNet against the Keras graph it was converted from."""

import json
from pathlib import Path

import pytest
import torch

from app.catalogue.manifest import read_manifest
from app.domain.errors import WeightsError
from tests.parity.keras_graph import evaluate
from workers.engines.torch_modules import load_module
from workers.install.originals import read_original

MODEL = "facenet-msceleb-128"
GOLDEN = Path(__file__).parent / "golden" / f"{MODEL}.json"


def patterns() -> torch.Tensor:
    """Two made images of about unit deviation, the same on every machine."""
    y, x, c = torch.meshgrid(
        torch.arange(160.0), torch.arange(160.0), torch.arange(3.0), indexing="ij"
    )
    waves = torch.sin(0.11 * x + 0.5 * c) + torch.cos(0.07 * y - 0.3 * c)
    rings = 1.4 * torch.sin(0.004 * ((x - 70) ** 2 + (y - 90) ** 2) + c)
    return torch.stack([waves, rings])


@torch.inference_mode()
def test_network_gives_the_golden_vectors(weights_dir):
    """They were made by ``keras_graph`` and are raw, about 11 long."""
    golden = torch.tensor(json.loads(GOLDEN.read_text(encoding="utf-8")))

    (vectors,) = load_module(weights_dir, MODEL)(patterns())

    torch.testing.assert_close(vectors, golden, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_network_equals_the_keras_graph(weights_dir):
    try:
        original = read_original(read_manifest(weights_dir).entry(MODEL).source, folder=None)
    except WeightsError as error:
        pytest.skip(f"the original cannot be fetched: {error.detail}")

    (vectors,) = load_module(weights_dir, MODEL)(patterns())

    torch.testing.assert_close(vectors, evaluate(original, patterns()), atol=1e-5, rtol=0)
