"""Area resampling of whole images and of many crops at once.

The reference detector shrinks by adaptive average pooling: output cell ``i`` of ``m`` is the plain
mean of the input cells from ``floor(i n / m)`` up to ``ceil((i + 1) n / m)``. A mean over a
rectangle is four look-ups in a summed-area table, so one table per image serves every level of
the pyramid and every crop of the cascade, and the result is exact. The table has a fourth, unused
channel because four 32-bit sums are one 128-bit item, which numpy moves whole.
"""

from typing import Any

import cv2
import numpy as np
from jaxtyping import Complex128, Float32, Int, Int32, UInt8

#: Sums over rectangles from the top left corner; a row and a column longer than the image. Sums
#: may wrap around; their differences, at most 255 times the cells of a window, do not.
SummedArea = Complex128[np.ndarray, "_ _"]

#: Networks see pixel values as ``(x - 127.5) / 128``.
_SCALE = np.float32(1 / 128)
_OFFSET = np.float32(127.5 / 128)


def summed_area_table(image: UInt8[np.ndarray, "height width 3"]) -> SummedArea:
    """Return the table that ``area_resize`` and ``area_crops`` sample."""
    table = cv2.integral(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA), sdepth=cv2.CV_32S)
    return table.view(np.complex128)[..., 0]


def area_resize(
    table: SummedArea, height: int, width: int
) -> Float32[np.ndarray, "{height} {width} 4"]:
    """Resize a whole image.

    Returns: normalised values ``(x - 127.5) / 128``; the fourth channel has no meaning.
    Source: torch's ``adaptive_avg_pool2d``, which ``interpolate(mode="area")`` calls.

    >>> table = summed_area_table(np.full((8, 6, 3), 255, np.uint8))
    >>> area_resize(table, 4, 3)[0, 0, :3].tolist()
    [0.99609375, 0.99609375, 0.99609375]
    """
    top, bottom = _windows(np.array(table.shape[0] - 1), height)
    left, right = _windows(np.array(table.shape[1] - 1), width)
    sums = _sums(np.take(table, bottom, axis=0))
    sums -= _sums(np.take(table, top, axis=0))
    strips = sums.view(np.complex128)[..., 0]
    sums = _sums(np.take(strips, right, axis=1))
    sums -= _sums(np.take(strips, left, axis=1))
    return _means(sums, (bottom - top)[:, None] * (right - left))


def area_crops(
    table: SummedArea, boxes: Int[np.ndarray, "n 4"], size: int
) -> Float32[np.ndarray, "n {size} {size} 3"]:
    """Cut boxes out of an image and resize each to a square.

    Convention: ``boxes`` are (left, top, right, bottom) in whole pixels, right and bottom excluded,
        inside the image and not empty.
    Returns: normalised values ``(x - 127.5) / 128``.
    Source: torch's ``adaptive_avg_pool2d``.

    >>> table = summed_area_table(np.full((8, 6, 3), 255, np.uint8))
    >>> area_crops(table, np.array([[1, 2, 4, 8]]), 2).shape
    (1, 2, 2, 3)
    """
    left, right = _windows(boxes[:, 2] - boxes[:, 0], size)
    top, bottom = _windows(boxes[:, 3] - boxes[:, 1], size)
    cells = (bottom - top)[:, :, None] * (right - left)[:, None, :]
    left, right = left + boxes[:, :1], right + boxes[:, :1]
    top, bottom = top + boxes[:, 1:2], bottom + boxes[:, 1:2]
    flat, stride = table.reshape(-1), table.shape[1]

    def corner(y: Int[np.ndarray, "n s"], x: Int[np.ndarray, "n s"]) -> Int32[np.ndarray, "..."]:
        return _sums(np.take(flat, (y * stride)[:, :, None] + x[:, None, :]))

    sums = corner(bottom, right)
    sums -= corner(top, right)
    sums -= corner(bottom, left)
    sums += corner(top, left)
    return _means(sums, cells)[..., :3]


def _windows(
    length: Int[np.ndarray, "*n"], cells: int
) -> tuple[Int[np.ndarray, "*n {cells}"], Int[np.ndarray, "*n {cells}"]]:
    """Return where each output cell's window starts and ends."""
    index = np.arange(cells)
    start = index * length[..., None] // cells
    end = -(-(index + 1) * length[..., None] // cells)
    return start, end


def _sums(items: Complex128[np.ndarray, "*shape"]) -> Int32[np.ndarray, "*shape 4"]:
    return items.view(np.int32).reshape(*items.shape, 4)


def _means(sums: Int32[np.ndarray, "*shape 4"], cells: Any) -> Float32[np.ndarray, "*shape 4"]:  # noqa: ANN401
    weights = np.asarray(_SCALE / cells, np.float32)[..., None]
    values = np.multiply(sums, weights, dtype=np.float32, casting="unsafe")
    values -= _OFFSET
    return values
