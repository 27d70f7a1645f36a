"""facenet-pytorch unchanged, in a loop as its users write it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from tests.bench.contestants import Seen
from tests.parity import torchvision_stand_in
from workers.weights.store import load_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import ModuleType

    from tests.bench.contestants import Analyse


def facenet_pytorch(clock: list[float]) -> ModuleType:
    """Import the library, with stand-ins for torchvision's two functions if it does not import.

    The seconds that the stand-in for the suppression takes are added to ``clock[0]``, so that what
    it costs beside the original can be judged.
    """
    try:
        import torchvision.ops.boxes  # noqa: F401, PLC0415
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        modules = torchvision_stand_in.modules()
        boxes: Any = modules["torchvision.ops.boxes"]
        boxes.batched_nms = _timed(boxes.batched_nms, clock)
        sys.modules.update(modules)
    import facenet_pytorch as library  # noqa: PLC0415

    return library


def readme_loop(*, threads: int) -> Analyse:
    """Return the loop of the library's README: the largest face, embedded by itself.

    The weights are random: the published ones are fetched from the network, and cost the same.
    More threads than cores to spare make it slower by far, as torch's wait for each other busily.
    """
    torch.set_num_threads(threads)
    clock = [0.0]
    library = facenet_pytorch(clock)
    mtcnn = library.MTCNN(image_size=160, margin=0)
    resnet = library.InceptionResnetV1().eval()

    def analyse(files: Sequence[Path]) -> list[Seen]:
        seen = []
        for path in files:
            face = mtcnn(Image.open(path))
            vectors = np.empty((0, 512), np.float32)
            if face is not None:
                vectors = resnet(face.unsqueeze(0)).detach().numpy()
            seen.append(Seen(boxes=np.empty((0, 4), np.float32), vectors=vectors))
        return seen

    return analyse


def careful_loop(*, threads: int, model: str, min_face_size: int) -> Analyse:
    """Return a loop that does the same work as the pipeline, with the same weights.

    Every face, no gradients, the same smallest face and the same border around a crop.
    """
    torch.set_num_threads(threads)
    clock = [0.0]
    library = facenet_pytorch(clock)
    mtcnn = library.MTCNN(keep_all=True, min_face_size=min_face_size, margin=14, post_process=False)
    state = {k: torch.from_numpy(v) for k, v in load_arrays(DEFAULT_WEIGHTS_DIR, model).items()}
    dimension, channels = state["last_linear.weight"].shape
    network = library.InceptionResnetV1()
    network.last_linear = torch.nn.Linear(channels, dimension, bias=False)
    network.last_bn = torch.nn.BatchNorm1d(dimension, eps=0.001)
    network.load_state_dict(state, strict=True)
    network.eval()

    @torch.inference_mode()
    def analyse(files: Sequence[Path]) -> list[Seen]:
        seen = []
        for path in files:
            image = Image.open(path).convert("RGB")
            begin, clock[0] = time.perf_counter(), 0.0
            boxes, _ = mtcnn.detect(image)
            spent = time.perf_counter() - begin
            vectors = np.empty((0, dimension), np.float32)
            if boxes is None:
                boxes = np.empty((0, 4), np.float32)
            else:
                faces = mtcnn.extract(image, boxes, save_path=None)
                crops = torch.stack([library.prewhiten(face) for face in faces])
                vectors = network(crops).numpy()
            seen.append(
                Seen(
                    boxes=boxes.astype(np.float32),
                    vectors=vectors,
                    stand_in_share=clock[0] / spent,
                )
            )
        return seen

    return analyse


def _timed(function: Callable[..., Any], clock: list[float]) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        begin = time.perf_counter()
        found = function(*arguments)
        clock[0] += time.perf_counter() - begin
        return found

    return timed
