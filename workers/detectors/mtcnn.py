"""Detection by MTCNN's cascade of three networks, over many images at once.

Paper: Zhang et al. 2016, section II. Thresholds, overlaps and rounding follow facenet-pytorch
2.5.3 (MIT), whose boxes are reproduced within a pixel. Pixel sums and box arithmetic are numpy and
OpenCV, so that a process which runs its networks in OpenVINO never loads torch: that saves about
300 MB and a second of start.
"""

from collections.abc import Sequence
from math import log

import numpy as np
from jaxtyping import Float32

from workers.area_sampling import SummedArea, area_crops, summed_area_table
from workers.boxes import areas, shift_corners, square, suppress_contained, whole_pixels_inside
from workers.detectors.candidates import (
    Candidates,
    indices_by_value,
    no_candidates,
    probabilities,
    suppress,
)
from workers.detectors.proposals import Proposer
from workers.detectors.sieve import Sieve
from workers.engines.ports import Engine
from workers.ports import DetectedFaces, Image

#: Smallest face side that is looked for; half of it costs four times the proposals.
DEFAULT_MIN_FACE_SIZE = 40
_REFINEMENT_LOGIT = log(0.7 / 0.3)
#: See ``Sieve``; on 22,077 crops of 654 photographs bf16 was at most 0.12 too low.
_REFINEMENT_MARGIN = 0.3
_OUTPUT_LOGIT = log(0.7 / 0.3)


class MtcnnDetector:
    """P-Net, R-Net and O-Net on any engine."""

    def __init__(self, engine: Engine, *, min_face_size: float = DEFAULT_MIN_FACE_SIZE) -> None:
        self._proposer = Proposer(engine, min_face_size=min_face_size)
        self._refiner = Sieve(
            engine,
            "rnet",
            side=24,
            batch_sizes=(16, 64),
            threshold=_REFINEMENT_LOGIT,
            margin=_REFINEMENT_MARGIN,
        )
        self._onet = engine.load("onet", side=48, batch_sizes=(4, 16), precision="fp32")

    def detect(self, images: Sequence[Image]) -> list[DetectedFaces]:
        """Return the faces of each image, largest first."""
        tables = [summed_area_table(image) for image in images]
        candidates = self._refine(self._proposer.propose(tables), tables)
        candidates, landmarks = self._finish(candidates, tables)
        return [_of_image(candidates, landmarks, image) for image in range(len(images))]

    def _refine(self, candidates: Candidates, tables: list[SummedArea]) -> Candidates:
        """Judge the candidates again by R-Net; return the best as squares."""
        candidates, crops = _crops(candidates, tables, 24)
        if not len(crops):
            return no_candidates()
        passed, (logits, offsets) = self._refiner.passing(crops)
        found = Candidates(
            candidates.boxes[passed], probabilities(logits), candidates.images[passed]
        )
        kept = suppress(found, found.images, maximum_iou=0.7)
        found, offsets = found.take(kept), offsets[kept]
        boxes = square(shift_corners(found.boxes, offsets, extra=1))
        return Candidates(boxes, found.scores, found.images)

    def _finish(
        self, candidates: Candidates, tables: list[SummedArea]
    ) -> tuple[Candidates, Float32[np.ndarray, "n 5 2"]]:
        """Judge by O-Net, which places the final box and the landmarks."""
        candidates, crops = _crops(candidates, tables, 48)
        if not len(crops):
            return no_candidates(), np.empty((0, 5, 2), np.float32)
        logits, offsets, points = self._onet(crops)
        passed = np.flatnonzero(logits > _OUTPUT_LOGIT)
        boxes, images = candidates.boxes[passed], candidates.images[passed]
        sizes = boxes[:, 2:] - boxes[:, :2] + 1
        relative = points[passed].reshape(-1, 2, 5).transpose(0, 2, 1)
        landmarks = boxes[:, None, :2] + relative * sizes[:, None, :] - 1
        found = Candidates(
            shift_corners(boxes, offsets[passed], extra=1), probabilities(logits[passed]), images
        )
        kept = [
            own[suppress_contained(found.boxes[own], found.scores[own], maximum_share=0.7)]
            for own in indices_by_value(images)
        ]
        index = np.concatenate(kept) if kept else np.empty(0, np.intp)
        return found.take(index), landmarks[index]


def _crops(
    candidates: Candidates, tables: list[SummedArea], size: int
) -> tuple[Candidates, Float32[np.ndarray, "n {size} {size} 4"]]:
    """Cut the candidates out of their images, leaving out those that lie outside."""
    order: list[np.ndarray] = []
    crops: list[np.ndarray] = []
    for own in indices_by_value(candidates.images):
        table = tables[candidates.images[own[0]]]
        height, width = table.shape[0] - 1, table.shape[1] - 1
        ranges = whole_pixels_inside(candidates.boxes[own], width=width, height=height)
        inside = (ranges[:, 2:] > ranges[:, :2]).all(axis=1)
        order.append(own[inside])
        crops.append(area_crops(table, ranges[inside], size))
    if not order:
        return candidates, np.empty((0, size, size, 4), np.float32)
    return candidates.take(np.concatenate(order)), np.concatenate(crops)


def _of_image(
    found: Candidates, landmarks: Float32[np.ndarray, "n 5 2"], image: int
) -> DetectedFaces:
    own = np.flatnonzero(found.images == image)
    own = own[np.argsort(-areas(found.boxes[own]), kind="stable")]
    return DetectedFaces(
        boxes=found.boxes[own],
        landmarks=landmarks[own],
        confidences=found.scores[own],
    )
