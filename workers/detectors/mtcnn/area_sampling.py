"""Area resampling of whole images and of many crops at once.

The reference detector shrinks by adaptive average pooling: output cell ``i`` of ``m`` is the plain
mean of the input cells from ``floor(i n / m)`` up to ``ceil((i + 1) n / m)``. A mean over a
rectangle is four look-ups in a summed-area table, so one table per image serves every level of
the pyramid and every crop of the cascade, and the result is exact. The table has a fourth, unused
channel because four 32-bit sums are one 128-bit item, which numpy moves whole.
"""

import cv2
import numpy as np
from jaxtyping import Complex128, Float32, Int, UInt8

#: Sums over rectangles from the top left corner; a row and a column longer than the image. Sums
#: may wrap around; their differences, at most 255 times the cells of a window, do not.
SummedArea = Complex128[np.ndarray, "_ _"]

#: Networks see pixel values as ``(x - 127.5) / 128``.
_SCALE = 1 / 128
_OFFSET = np.float32(127.5 / 128)
#: Look-ups done at once: few enough for the processor's second cache, enough for numpy.
_LOOKUPS = 65_536


def summed_area_table(image: UInt8[np.ndarray, "height width 3"]) -> SummedArea:
    """Return the table that ``area_resize`` and ``area_crops`` sample."""
    table = cv2.integral(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA), sdepth=cv2.CV_32S)
    return table.view(np.complex128)[..., 0]


def area_resize(
    table: SummedArea, size: tuple[int, int], rows: range, columns: range
) -> Float32[np.ndarray, "{len(rows)} {len(columns)} 4"]:
    """Resize a whole image to ``size`` (height, width) and return some rows and columns of it.

    Rows and columns beyond the end repeat the last one.

    Returns: normalised values ``(x - 127.5) / 128``; the fourth channel has no meaning.
    Source: torch's ``adaptive_avg_pool2d``, which ``interpolate(mode="area")`` calls.

    >>> table = summed_area_table(np.full((8, 6, 3), 255, np.uint8))
    >>> area_resize(table, (4, 3), range(4), range(5))[0, 4, :3].tolist()
    [0.99609375, 0.99609375, 0.99609375]
    """
    y = _windows(np.array([table.shape[0] - 1]), np.minimum(rows, size[0] - 1), size[0])
    x = _windows(np.array([table.shape[1] - 1]), np.minimum(columns, size[1] - 1), size[1])
    values = np.empty((len(rows), len(columns), 4), np.float32)
    step = max(1, _LOOKUPS // (4 * len(columns)))
    for start in range(0, len(rows), step):
        band = slice(start, start + step)
        values[band] = _means(table, y[:, :, band], x)[0]
    return values


def area_crops(
    table: SummedArea, boxes: Int[np.ndarray, "n 4"], size: int
) -> Float32[np.ndarray, "n {size} {size} 4"]:
    """Cut boxes out of an image and resize each to a square.

    Convention: ``boxes`` are (left, top, right, bottom) in whole pixels, right and bottom excluded,
        inside the image and not empty.
    Returns: normalised values ``(x - 127.5) / 128``; the fourth channel has no meaning.
    Source: torch's ``adaptive_avg_pool2d``.

    >>> table = summed_area_table(np.full((8, 6, 3), 255, np.uint8))
    >>> area_crops(table, np.array([[1, 2, 4, 8]]), 2).shape
    (1, 2, 2, 4)
    """
    cells = np.arange(size)
    x = _windows(boxes[:, 2] - boxes[:, 0], cells, size) + boxes[:, :1]
    y = _windows(boxes[:, 3] - boxes[:, 1], cells, size) + boxes[:, 1:2]
    values = np.empty((len(boxes), size, size, 4), np.float32)
    step = max(1, _LOOKUPS // (2 * size) ** 2)
    for start in range(0, len(boxes), step):
        some = slice(start, start + step)
        values[some] = _means(table, y[:, some], x[:, some])
    return values


def _windows(
    lengths: Int[np.ndarray, " n"], cells: Int[np.ndarray, " some"], count: int
) -> Int[np.ndarray, "2 n some"]:
    """Return where the windows of some of ``count`` cells begin and end, for each length."""
    start = cells * lengths[:, None] // count
    end = -(-(cells + 1) * lengths[:, None] // count)
    return np.stack([start, end])


def _means(
    table: SummedArea, y: Int[np.ndarray, "2 n rows"], x: Int[np.ndarray, "2 n columns"]
) -> Float32[np.ndarray, "n rows columns 4"]:
    """Return the normalised means over the windows that rows and columns cross in."""
    (top, bottom), (left, right) = y, x
    rows, columns = top.shape[1], left.shape[1]
    vertical = np.concatenate([top, bottom], axis=1) * table.shape[1]
    corners = vertical[:, :, None] + np.concatenate([left, right], axis=1)[:, None, :]
    sums = np.take(table.reshape(-1), corners).view(np.int32)
    strips = sums[:, rows:] - sums[:, :rows]
    values = (strips[:, :, 4 * columns :] - strips[:, :, : 4 * columns]).astype(np.float32)
    # two multiplications along long rows are far faster than one by a weight for each cell
    values *= (_SCALE / (bottom - top)).astype(np.float32)[:, :, None]
    values *= np.repeat(1 / (right - left).astype(np.float32), 4, axis=1)[:, None, :]
    values -= _OFFSET
    return values.reshape(len(top), rows, columns, 4)
