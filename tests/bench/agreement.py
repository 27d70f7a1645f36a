"""Whether two contestants see the same faces on the same photographs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.contestants import Seen

#: Overlap from which two boxes are of one face.
_SAME_FACE_IOU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One contestant compared with a reference."""

    faces: int
    #: Share of the reference's faces that the other finds too.
    recall: float
    #: Faces that only the other finds.
    extra: int
    #: Largest distance of an edge, in pixels, over the faces that both find.
    box_median_px: float
    box_worst_px: float
    cosine_mean: float
    cosine_least: float


def compare(reference: Sequence[Seen], other: Sequence[Seen]) -> Agreement:
    """Pair the faces of each photograph by overlap and compare boxes and vectors."""
    moves: list[float] = []
    cosines: list[float] = []
    faces = extra = 0
    for expected, found in zip(reference, other, strict=True):
        pairs = _pairs(expected.boxes, found.boxes)
        faces += len(expected.boxes)
        extra += len(found.boxes) - len(pairs)
        for one, two in pairs:
            moves.append(float(np.abs(expected.boxes[one] - found.boxes[two]).max()))
            cosines.append(_cosine(expected.vectors[one], found.vectors[two]))
    return Agreement(
        faces=faces,
        recall=len(moves) / faces if faces else 1.0,
        extra=extra,
        box_median_px=float(np.median(moves)) if moves else 0.0,
        box_worst_px=max(moves, default=0.0),
        cosine_mean=float(np.mean(cosines)) if cosines else 1.0,
        cosine_least=min(cosines, default=1.0),
    )


def _pairs(expected: np.ndarray, found: np.ndarray) -> list[tuple[int, int]]:
    """Pair boxes, the best overlap first, each box once."""
    overlaps = _ious(expected, found)
    pairs = []
    while overlaps.size and overlaps.max() >= _SAME_FACE_IOU:
        one, two = np.unravel_index(overlaps.argmax(), overlaps.shape)
        pairs.append((int(one), int(two)))
        overlaps[one, :] = overlaps[:, two] = 0
    return pairs


def _ious(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    low = np.maximum(one[:, None, :2], two[None, :, :2])
    high = np.minimum(one[:, None, 2:], two[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (one, two)]
    return shared / (areas[0][:, None] + areas[1][None, :] - shared)


def _cosine(one: np.ndarray, two: np.ndarray) -> float:
    return float(one @ two / (np.linalg.norm(one) * np.linalg.norm(two)))
