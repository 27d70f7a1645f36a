"""Detection by MTCNN's cascade of three networks, over many images at once.

Paper: Zhang et al. 2016, section II. Thresholds, overlaps and rounding follow facenet-pytorch
2.5.3 (MIT), whose boxes are reproduced within a pixel. Pixel sums and box arithmetic are numpy and
OpenCV, so that a process which runs its networks in OpenVINO never loads torch: that saves about
300 MB and a second of start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from jaxtyping import Float32, Int

from workers.area_sampling import SummedArea, area_crops, summed_area_table
from workers.boxes import (
    areas,
    shift_corners,
    square,
    suppress_contained,
    suppress_overlaps,
    whole_pixels_inside,
)
from workers.detectors.pyramid import STRIDE, WINDOW, Tiles, pack
from workers.engines.ports import Engine
from workers.ports import DetectedFaces, Image

#: Smallest face side that is looked for; half of it costs four times the proposals.
DEFAULT_MIN_FACE_SIZE = 40
TILE_SIDE = 256
_PROPOSAL_LOGIT = log(0.6 / 0.4)
_REFINEMENT_LOGIT = log(0.7 / 0.3)
_OUTPUT_LOGIT = log(0.7 / 0.3)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Boxes under consideration, over all images of a batch."""

    boxes: Float32[np.ndarray, "n 4"]
    #: Probability of a face, rounded to float32 as the reference's: beyond 1 - 6e-8 all are equal,
    #: and the first of equals survives suppression.
    scores: Float32[np.ndarray, " n"]
    images: Int[np.ndarray, " n"]

    def take(self, index: np.ndarray) -> "_Candidates":
        return _Candidates(self.boxes[index], self.scores[index], self.images[index])


class MtcnnDetector:
    """P-Net, R-Net and O-Net on any engine."""

    def __init__(self, engine: Engine, *, min_face_size: float = DEFAULT_MIN_FACE_SIZE) -> None:
        self._min_face_size = min_face_size
        # In fp32 whatever the engine's precision: in bf16 suppression picks other candidates, and
        # on 119 photographs 40 % of the boxes moved by more than a pixel, some by ten.
        self._pnet = engine.load("pnet", side=TILE_SIDE, batch_sizes=(1,), precision="fp32")
        self._rnet = engine.load("rnet", side=24, batch_sizes=(16, 64), precision="fp32")
        self._onet = engine.load("onet", side=48, batch_sizes=(4, 16), precision="fp32")

    def detect(self, images: Sequence[Image]) -> list[DetectedFaces]:
        """Return the faces of each image, largest first."""
        tables = [summed_area_table(image) for image in images]
        candidates = self._refine(self._propose(tables), tables)
        candidates, landmarks = self._finish(candidates, tables)
        return [_of_image(candidates, landmarks, image) for image in range(len(images))]

    def _propose(self, tables: list[SummedArea]) -> _Candidates:
        """Run P-Net over the pyramids and keep the best windows."""
        tiles = pack(tables, min_face_size=self._min_face_size, side=TILE_SIDE)
        if not tiles.pieces:
            return _nothing()
        logits, offsets = self._pnet(tiles.pixels)
        return _windows(tiles, logits, offsets)

    def _refine(self, candidates: _Candidates, tables: list[SummedArea]) -> _Candidates:
        """Judge the candidates again by R-Net; return the best as squares."""
        candidates, crops = _crops(candidates, tables, 24)
        if not len(crops):
            return _nothing()
        logits, offsets = self._rnet(crops)
        passed = np.flatnonzero(logits > _REFINEMENT_LOGIT)
        found = _Candidates(
            candidates.boxes[passed], _probabilities(logits[passed]), candidates.images[passed]
        )
        kept = _suppress(found, found.images, maximum_iou=0.7)
        found, offsets = found.take(kept), offsets[passed][kept]
        boxes = square(shift_corners(found.boxes, offsets, extra=1))
        return _Candidates(boxes, found.scores, found.images)

    def _finish(
        self, candidates: _Candidates, tables: list[SummedArea]
    ) -> tuple[_Candidates, Float32[np.ndarray, "n 5 2"]]:
        """Judge by O-Net, which places the final box and the landmarks."""
        candidates, crops = _crops(candidates, tables, 48)
        if not len(crops):
            return _nothing(), np.empty((0, 5, 2), np.float32)
        logits, offsets, points = self._onet(crops)
        passed = np.flatnonzero(logits > _OUTPUT_LOGIT)
        boxes, images = candidates.boxes[passed], candidates.images[passed]
        sizes = boxes[:, 2:] - boxes[:, :2] + 1
        relative = points[passed].reshape(-1, 2, 5).transpose(0, 2, 1)
        landmarks = boxes[:, None, :2] + relative * sizes[:, None, :] - 1
        found = _Candidates(
            shift_corners(boxes, offsets[passed], extra=1), _probabilities(logits[passed]), images
        )
        kept = [
            own[suppress_contained(found.boxes[own], found.scores[own], maximum_share=0.7)]
            for own in _groups(images)
        ]
        index = np.concatenate(kept) if kept else np.empty(0, np.intp)
        return found.take(index), landmarks[index]


def _nothing() -> _Candidates:
    return _Candidates(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp))


def _windows(
    tiles: Tiles,
    logits: Float32[np.ndarray, "tiles rows columns"],
    offsets: Float32[np.ndarray, "tiles 4 rows columns"],
) -> _Candidates:
    """Turn the network's cells over the threshold into square boxes in their images."""
    tile, row, column = np.nonzero((logits >= _PROPOSAL_LOGIT) & (tiles.owners >= 0))
    owner = tiles.owners[tile, row, column]
    pieces = np.array(
        [(p.tile_left - p.left, p.tile_top - p.top, p.level, p.image) for p in tiles.pieces]
    )[owner]
    scale = np.array([p.scale for p in tiles.pieces], np.float32)[owner][:, None]
    cells = np.stack([column, row], axis=1) * STRIDE - pieces[:, :2]
    # the reference counts from 1 and includes the window's last pixel; it rounds down
    low = np.floor((cells + 1).astype(np.float32) / scale)
    high = np.floor((cells + WINDOW).astype(np.float32) / scale)
    found = _Candidates(
        np.concatenate([low, high], axis=1), _probabilities(logits[tile, row, column]), pieces[:, 3]
    )
    moves = offsets[tile, :, row, column]
    kept = _suppress(found, pieces[:, 2], maximum_iou=0.5)
    found, moves = found.take(kept), moves[kept]
    kept = _suppress(found, found.images, maximum_iou=0.7)
    found, moves = found.take(kept), moves[kept]
    boxes = square(shift_corners(found.boxes, moves, extra=0))
    return _Candidates(boxes, found.scores, found.images)


def _suppress(
    found: _Candidates, groups: Int[np.ndarray, " n"], *, maximum_iou: float
) -> Int[np.ndarray, " kept"]:
    """Suppress overlaps within each group."""
    kept = [
        own[suppress_overlaps(found.boxes[own], found.scores[own], maximum_iou=maximum_iou)]
        for own in _groups(groups)
    ]
    return np.concatenate(kept) if kept else np.empty(0, np.intp)


def _probabilities(logits: Float32[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    return np.float32(1) / (1 + np.exp(-logits))


def _groups(values: Int[np.ndarray, " n"]) -> list[Int[np.ndarray, " _"]]:
    """Return the indices of each value, values ascending."""
    if not len(values):
        return []
    order = np.argsort(values, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(values[order])) + 1)


def _crops(
    candidates: _Candidates, tables: list[SummedArea], size: int
) -> tuple[_Candidates, Float32[np.ndarray, "n {size} {size} 3"]]:
    """Cut the candidates out of their images, leaving out those that lie outside."""
    order: list[np.ndarray] = []
    crops: list[np.ndarray] = []
    for own in _groups(candidates.images):
        table = tables[candidates.images[own[0]]]
        height, width = table.shape[0] - 1, table.shape[1] - 1
        ranges = whole_pixels_inside(candidates.boxes[own], width=width, height=height)
        inside = (ranges[:, 2:] > ranges[:, :2]).all(axis=1)
        order.append(own[inside])
        crops.append(area_crops(table, ranges[inside], size))
    if not order:
        return candidates, np.empty((0, size, size, 3), np.float32)
    return candidates.take(np.concatenate(order)), np.concatenate(crops)


def _of_image(
    found: _Candidates, landmarks: Float32[np.ndarray, "n 5 2"], image: int
) -> DetectedFaces:
    own = np.flatnonzero(found.images == image)
    own = own[np.argsort(-areas(found.boxes[own]), kind="stable")]
    return DetectedFaces(
        boxes=found.boxes[own],
        landmarks=landmarks[own],
        confidences=found.scores[own],
    )
