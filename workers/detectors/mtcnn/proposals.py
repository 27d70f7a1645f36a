"""The first stage of the cascade: which windows of an image may hold a face.

Every window is judged in the engine's fast precision first; only those that come near the
threshold are judged again in fp32, which alone decides and places the boxes.
"""

from math import log

import numpy as np
from jaxtyping import Float32, Int

from workers.detectors.mtcnn.area_sampling import SummedArea
from workers.detectors.mtcnn.boxes import shift_corners, square
from workers.detectors.mtcnn.candidates import Candidates, no_candidates, probabilities, suppress
from workers.detectors.mtcnn.pyramid import STRIDE, WINDOW, Tiles, cut_windows, pack
from workers.engines.ports import Engine

TILE_SIDE = 256
_LOGIT = log(0.6 / 0.4)
#: How far below the threshold a window may be judged in bf16 and still be judged again. On 1.3
#: million windows of 54 photographs no window that passes in fp32 came out more than 0.18 lower.
_MARGIN = 0.35
#: The same for windows that reach one pixel beyond a level of odd size, where a repeated pixel
#: stands in for none: 2.7 in 15,000 windows.
_EDGE_MARGIN = 3.0


class Proposer:
    """P-Net on any engine."""

    def __init__(self, engine: Engine) -> None:
        self._sift = engine.load("pnet", side=TILE_SIDE, batch_sizes=(1,))
        self._judge = engine.load(
            "pnet-window", side=WINDOW, batch_sizes=(64, 256), precision="fp32"
        )

    def propose(self, tables: list[SummedArea], min_face_sizes: list[float]) -> Candidates:
        """Return the best windows of every image, as squares; each has its own smallest face."""
        tiles = pack(tables, min_face_sizes=min_face_sizes, side=TILE_SIDE)
        if not tiles.pieces:
            return no_candidates()
        (coarse,) = self._sift(tiles.pixels)
        near = np.where(tiles.below | tiles.beyond, _LOGIT - _EDGE_MARGIN, _LOGIT - _MARGIN)
        places = np.stack(np.nonzero((coarse > near) & (tiles.owners >= 0)), axis=1)
        if not len(places):
            return no_candidates()
        logits, offsets = self._judge(cut_windows(tiles, places))
        passed = logits >= _LOGIT
        return _best(tiles, places[passed], logits[passed], offsets[passed])


def _best(
    tiles: Tiles,
    places: Int[np.ndarray, "n 3"],
    logits: Float32[np.ndarray, " n"],
    offsets: Float32[np.ndarray, "n 4"],
) -> Candidates:
    """Turn cells (tile, row, column) into boxes in their images, without those that overlap."""
    owner = tiles.owners[tuple(places.T)]
    pieces = np.array(
        [(p.tile_left - p.left, p.tile_top - p.top, p.level, p.image) for p in tiles.pieces]
    )[owner]
    scale = np.array([p.scale for p in tiles.pieces], np.float32)[owner][:, None]
    cells = places[:, :0:-1] * STRIDE - pieces[:, :2]
    # the reference counts from 1 and includes the window's last pixel; it rounds down
    low = np.floor((cells + 1).astype(np.float32) / scale)
    high = np.floor((cells + WINDOW).astype(np.float32) / scale)
    found = Candidates(np.concatenate([low, high], axis=1), probabilities(logits), pieces[:, 3])
    kept = suppress(found, pieces[:, 2], maximum_iou=0.5)
    found, offsets = found.take(kept), offsets[kept]
    kept = suppress(found, found.images, maximum_iou=0.7)
    found, offsets = found.take(kept), offsets[kept]
    boxes = square(shift_corners(found.boxes, offsets, extra=0))
    return Candidates(boxes, found.scores, found.images)
