"""The reference, facenet-pytorch unchanged, and the photographs that both sides look at."""

import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from tests.parity import torchvision_stand_in
from tests.parity.settings import MIN_FACE_SIZE

PROJECT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("VULTUS_TEST_DATA", PROJECT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def facenet_pytorch() -> ModuleType:
    """Import the reference, with what it needs of torchvision where that does not import."""
    try:
        import torchvision.ops.boxes  # noqa: F401, PLC0415
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        sys.modules.update(torchvision_stand_in.modules())
    import facenet_pytorch  # noqa: PLC0415 - once what it imports is there

    return facenet_pytorch


@pytest.fixture(scope="session")
def photographs() -> list[Path]:
    """Real photographs: the sample people, and some of LFW where it is there."""
    samples = sorted((PROJECT / "var" / "samples").glob("*/*/*.jpg"))
    if not samples:
        pytest.fail('the sample people are missing; run "make weights"')
    return samples[::2] + sorted(DATA.glob("lfw/*/*.jpg"))[::200]


@pytest.fixture(scope="session")
def images(photographs) -> list[np.ndarray]:
    return [np.asarray(Image.open(path).convert("RGB")) for path in photographs]


@pytest.fixture(scope="session")
def reference_detector(facenet_pytorch):
    return facenet_pytorch.MTCNN(
        keep_all=True, min_face_size=MIN_FACE_SIZE, margin=14, post_process=False
    )


@pytest.fixture(scope="session")
def reference_detections(reference_detector, images):
    """Boxes, probabilities and landmarks by the reference, largest first, one image at a time."""
    with torch.inference_mode():
        return [reference_detector.detect(Image.fromarray(i), landmarks=True) for i in images]


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small networks gain nothing from threads, and lose much where processors are shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    return DEFAULT_WEIGHTS_DIR
