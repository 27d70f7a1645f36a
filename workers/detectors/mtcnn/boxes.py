"""Arithmetic on many boxes at once.

Convention throughout: a box is (x_min, y_min, x_max, y_max), y down.
"""

from typing import Any, cast

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int

Boxes = Float32[np.ndarray, "n 4"]


def areas(boxes: Boxes) -> Float32[np.ndarray, " n"]:
    """Return width times height of each box.

    >>> areas(np.array([[0, 0, 2, 3]], np.float32)).tolist()
    [6.0]
    """
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def suppress_overlaps(
    boxes: Boxes, scores: Float32[np.ndarray, " n"], *, maximum_iou: float
) -> Int[np.ndarray, " kept"]:
    """Greedy non-maximum suppression by intersection over union.

    Convention: scores are positive; a box scored 0 or less is dropped.
    Returns: indices of the boxes kept, highest score first; of equals the first one survives.

    >>> two = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], np.float32)
    >>> suppress_overlaps(two, np.array([0.1, 0.9, 0.5], np.float32), maximum_iou=0.5).tolist()
    [1, 2]
    """
    if len(boxes) == 0:
        return np.empty(0, np.intp)
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(
        cast("Any", corner_and_size.astype(np.float64)), cast("Any", scores), 0.0, maximum_iou
    )
    return np.asarray(kept, np.intp)


def suppress_contained(
    boxes: Boxes, scores: Float32[np.ndarray, " n"], *, maximum_share: float
) -> Int[np.ndarray, " kept"]:
    """Greedy suppression by the share of the smaller box that is covered.

    Convention: sides count both end pixels, so a box from 0 to 9 is ten wide.
    Returns: indices of the boxes kept, highest score first; of equals whichever numpy's sort, which
        is not stable, puts last, as in the reference.
    Source: the "Min" suppression of MTCNN's last stage.

    >>> nested = np.array([[0, 0, 99, 99], [10, 10, 39, 39]], np.float32)
    >>> suppress_contained(nested, np.array([0.9, 0.8], np.float32), maximum_share=0.7).tolist()
    [0]
    """
    order = np.argsort(scores)[::-1]
    sizes = boxes[:, 2:] - boxes[:, :2] + 1
    covers = sizes[:, 0] * sizes[:, 1]
    kept: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.maximum(high - low + 1, 0).prod(axis=1)
        order = rest[shared <= maximum_share * np.minimum(covers[best], covers[rest])]
    return np.array(kept, np.intp)


def shares_covered(boxes: Boxes) -> Float32[np.ndarray, "n n"]:
    """Return for each two boxes how much of the smaller one is covered.

    Convention: sides count both end pixels.

    >>> nested = np.array([[0, 0, 9, 9], [0, 0, 9, 4]], np.float32)
    >>> shares_covered(nested).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    sizes = boxes[:, 2:] - boxes[:, :2] + 1
    covers = sizes[:, 0] * sizes[:, 1]
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.maximum(high - low + 1, 0).prod(axis=2)
    return shared / np.minimum(covers[:, None], covers[None, :])


def square(boxes: Boxes) -> Boxes:
    """Grow each box to a square of its longer side around its centre.

    >>> square(np.array([[0, 0, 10, 20]], np.float32)).tolist()
    [[-5.0, 0.0, 15.0, 20.0]]
    """
    sizes = boxes[:, 2:] - boxes[:, :2]
    side = sizes.max(axis=1, keepdims=True)
    low = boxes[:, :2] + sizes * np.float32(0.5) - side * np.float32(0.5)
    return np.concatenate([low, low + side], axis=1)


def shift_corners(boxes: Boxes, offsets: Float[np.ndarray, "n 4"], *, extra: float) -> Boxes:
    """Move each corner by its offset, given as a fraction of the box's sides plus ``extra``.

    Source: MTCNN's bounding box regression; the proposal stage measures sides as differences
    (``extra`` 0), the later stages count both end pixels (``extra`` 1).

    >>> one = np.array([[0, 0, 10, 10]], np.float32)
    >>> shift_corners(one, np.array([[0.1, 0, 0, -0.2]], np.float32), extra=0).tolist()
    [[1.0, 0.0, 10.0, 8.0]]
    """
    sizes = boxes[:, 2:] - boxes[:, :2] + np.float32(extra)
    return boxes + offsets * np.concatenate([sizes, sizes], axis=1)


def whole_pixels_inside(boxes: Boxes, *, width: int, height: int) -> Int[np.ndarray, "n 4"]:
    """Cut boxes at the image's border and return them as pixel ranges, ends excluded.

    Convention: the reference counts pixels from 1, so the first column of a box at x is ``x - 1``.
        A range may be empty where a box lies outside.

    >>> whole_pixels_inside(np.array([[-3, 2, 50, 9]], np.float32), width=20, height=10).tolist()
    [[0, 1, 20, 9]]
    """
    whole = np.trunc(boxes).astype(np.int64)
    low = np.maximum(whole[:, :2], 1) - 1
    high = np.minimum(whole[:, 2:], np.array([width, height]))
    return np.concatenate([low, high], axis=1)
