"""Detection by MTCNN's cascade of three networks, over many images at once.

Paper: Zhang et al. 2016, section II. Thresholds, overlaps and rounding follow facenet-pytorch
2.5.3 (MIT), whose boxes are reproduced within a pixel. Pixel sums and box arithmetic are numpy and
OpenCV, so that a process which runs its networks in OpenVINO never loads torch: that saves about
300 MB and a second of start.
"""

from collections.abc import Sequence
from math import log

import numpy as np
from jaxtyping import Bool, Float32, Int

from workers.detectors.mtcnn.area_sampling import SummedArea, area_crops, summed_area_table
from workers.detectors.mtcnn.boxes import (
    Boxes,
    areas,
    shift_corners,
    square,
    suppress_contained,
    whole_pixels_inside,
)
from workers.detectors.mtcnn.candidates import (
    Candidates,
    indices_by_value,
    may_survive,
    no_candidates,
    probabilities,
    suppress,
)
from workers.detectors.mtcnn.proposals import Proposer
from workers.detectors.mtcnn.reduction import reduced
from workers.detectors.mtcnn.sieve import Sieve
from workers.engines.batching import Outputs
from workers.engines.ports import Engine
from workers.ports import DetectedFaces, Image

#: Smallest face side that is looked for; half of it costs four times the proposals.
DEFAULT_MIN_FACE_SIZE = 40
_REFINEMENT_LOGIT = log(0.7 / 0.3)
#: See ``Sieve``; on 22,077 crops of 654 photographs bf16 was at most 0.12 too low.
_REFINEMENT_MARGIN = 0.3
_OUTPUT_LOGIT = log(0.7 / 0.3)
_MAXIMUM_SHARE = 0.7
#: How far a logit of O-Net in bf16 and the share that two of its boxes cover may be wrong; on
#: 3,060 crops of 654 photographs it was at most 0.075.
_OUTPUT_ERROR = 0.15
_SHARE_ERROR = 0.06


class MtcnnDetector:
    """P-Net, R-Net and O-Net on any engine."""

    def __init__(self, engine: Engine, *, min_face_size: float = DEFAULT_MIN_FACE_SIZE) -> None:
        self._min_face_size = min_face_size
        self._proposer = Proposer(engine)
        self._refiner = Sieve(
            engine,
            "rnet",
            side=24,
            batch_sizes=(16, 64),
            threshold=_REFINEMENT_LOGIT,
            margin=_REFINEMENT_MARGIN,
        )
        self._finisher = Sieve(
            engine,
            "onet",
            side=48,
            batch_sizes=(4, 16),
            threshold=_OUTPUT_LOGIT,
            margin=_OUTPUT_ERROR,
        )

    def detect(self, images: Sequence[Image]) -> list[DetectedFaces]:
        """Return the faces of each image, largest first.

        An image above 12.5 megapixels is looked at reduced, see ``reduction.reduced``.
        """
        views = [reduced(image, min_face_size=self._min_face_size) for image in images]
        tables = [summed_area_table(view.image) for view in views]
        proposed = self._proposer.propose(tables, [view.min_face_size for view in views])
        candidates, landmarks = self._finish(self._refine(proposed, tables), tables)
        return [
            view.restored(_of_image(candidates, landmarks, number))
            for number, view in enumerate(views)
        ]

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

        def matters(near: Int[np.ndarray, " n"], fast: Outputs) -> Bool[np.ndarray, " n"]:
            boxes = shift_corners(candidates.boxes[near], fast[1], extra=1)
            return _may_survive(boxes, fast[0], candidates.images[near])

        passed, (logits, offsets, points) = self._finisher.passing(crops, matters=matters)
        boxes, images = candidates.boxes[passed], candidates.images[passed]
        sizes = boxes[:, 2:] - boxes[:, :2] + 1
        relative = points.reshape(-1, 2, 5).transpose(0, 2, 1)
        landmarks = boxes[:, None, :2] + relative * sizes[:, None, :] - 1
        found = Candidates(shift_corners(boxes, offsets, extra=1), probabilities(logits), images)
        kept = [
            own[
                suppress_contained(
                    found.boxes[own], found.scores[own], maximum_share=_MAXIMUM_SHARE
                )
            ]
            for own in indices_by_value(images)
        ]
        index = np.concatenate(kept) if kept else np.empty(0, np.intp)
        return found.take(index), landmarks[index]


def _may_survive(
    boxes: Boxes, logits: Float32[np.ndarray, " n"], images: Int[np.ndarray, " n"]
) -> Bool[np.ndarray, " n"]:
    """Return which boxes, known from bf16, the last suppression might keep."""
    found = np.empty(len(boxes), np.bool_)
    for own in indices_by_value(images):
        found[own] = may_survive(
            boxes[own],
            logits[own],
            maximum_share=_MAXIMUM_SHARE,
            logit_error=_OUTPUT_ERROR,
            share_error=_SHARE_ERROR,
        )
    return found


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
