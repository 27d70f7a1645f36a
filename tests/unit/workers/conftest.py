"""One real face, for tests that need what no made image has."""

from pathlib import Path

import pytest
from PIL import Image

SAMPLES = Path(__file__).resolve().parents[3] / "var" / "samples"


@pytest.fixture(scope="session")
def sample_path():
    """A photograph of one person who looks into the camera."""
    path = SAMPLES / "val" / "jerry_seinfeld" / "01.jpg"
    if not path.exists():
        pytest.fail('the sample people are missing; run "make weights"')
    return path


@pytest.fixture(scope="session")
def sample(sample_path):
    return Image.open(sample_path).convert("RGB")
