"""The image pyramid of the proposal stage, packed into tiles of one fixed size.

A convolutional network gives the same answer for a window wherever it lies, so the levels of many
images share tiles: one input shape serves all image sizes, and nothing is compiled at run time. A
level larger than a tile is cut into pieces that overlap by what one window needs.

Where a level's side is odd, the network's pooling looks at one row or column beyond it, which the
reference, run on that level alone, does not have. In a tile that row repeats the level's last one,
and in a window cut out to be judged exactly it is hidden.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int, Int32

from workers.detectors.mtcnn.area_sampling import SummedArea, area_resize

WINDOW = 12
STRIDE = 2
_OVERLAP = WINDOW - STRIDE
#: Where in a window the last 3x3 begins, which reaches the window's last pixel.
_LAST = WINDOW - 3
#: The network's own ``PNetWindow.HIDDEN``, repeated because torch is not imported here.
HIDDEN = -1e4
#: Area ratio of about one half between levels.
_FACTOR = 0.709


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of one level and its place in a tile; all offsets are even."""

    image: int
    scale: float
    #: Number of the level, over all images.
    level: int
    top: int
    left: int
    height: int
    width: int
    tile: int
    tile_top: int
    tile_left: int


@dataclass(frozen=True, slots=True)
class Tiles:
    """Packed levels, and for each cell of the network's output the piece that it belongs to."""

    pixels: Float32[np.ndarray, "tiles side side 4"]
    pieces: list[Piece]
    #: Index into ``pieces``, or -1 for cells that look at no piece or at two.
    owners: Int32[np.ndarray, "tiles cells cells"]
    #: Whether a cell's window reaches one pixel beyond the level, below or to the right.
    below: Bool[np.ndarray, "tiles cells cells"]
    beyond: Bool[np.ndarray, "tiles cells cells"]


def scales(*, height: int, width: int, min_face_size: float) -> list[float]:
    """Return the scales at which a 12-pixel window sees faces from ``min_face_size`` up.

    >>> [round(scale, 3) for scale in scales(height=100, width=80, min_face_size=40)]
    [0.3, 0.213, 0.151]
    """
    found: list[float] = []
    scale = WINDOW / min_face_size
    shorter = min(height, width) * scale
    while shorter >= WINDOW:
        found.append(scale)
        scale *= _FACTOR
        shorter *= _FACTOR
    return found


def output_cells(length: int) -> int:
    """Return how many windows the proposal network sees along ``length`` pixels.

    >>> [output_cells(length) for length in (11, 12, 13, 256)]
    [1, 1, 2, 123]
    """
    return -(-(length - 2) // STRIDE) - 4


def pack(tables: Sequence[SummedArea], *, min_face_sizes: Sequence[float], side: int) -> Tiles:
    """Resize images to all levels and lay these out in tiles of ``side`` pixels, an even number.

    Each image has its own smallest face.
    """
    sizes: list[tuple[int, int]] = []
    loose: list[Piece] = []
    for image, (table, min_face_size) in enumerate(zip(tables, min_face_sizes, strict=True)):
        height, width = table.shape[0] - 1, table.shape[1] - 1
        for scale in scales(height=height, width=width, min_face_size=min_face_size):
            size = int(height * scale + 1), int(width * scale + 1)
            loose.extend(_cut(*size, image, scale, len(sizes), side))
            sizes.append(size)
    pieces = list(_shelve(loose, side))
    count = 1 + max((piece.tile for piece in pieces), default=-1)
    tiles = np.zeros((count, side, side, 4), np.float32)
    cells = (count, output_cells(side), output_cells(side))
    owners = np.full(cells, -1, np.int32)
    below, beyond = np.zeros(cells, np.bool_), np.zeros(cells, np.bool_)
    for index, piece in enumerate(pieces):
        _place(tiles[piece.tile], piece, tables[piece.image], sizes[piece.level])
        top, left = piece.tile_top // STRIDE, piece.tile_left // STRIDE
        bottom, right = top + output_cells(piece.height), left + output_cells(piece.width)
        owners[piece.tile, top:bottom, left:right] = index
        below[piece.tile, bottom - 1, left:right] = piece.height % 2
        beyond[piece.tile, top:bottom, right - 1] = piece.width % 2
    return Tiles(tiles, pieces, owners, below, beyond)


def cut_windows(
    tiles: Tiles, places: Int[np.ndarray, "n 3"]
) -> Float32[np.ndarray, "n window window 4"]:
    """Cut out the windows that cells (tile, row, column) look at, hiding what lies beyond."""
    side = tiles.pixels.shape[1]
    inside = np.arange(WINDOW)[:, None] * side + np.arange(WINDOW)
    corners = (places[:, 0] * side + places[:, 1] * STRIDE) * side + places[:, 2] * STRIDE
    items = tiles.pixels.view(np.complex128).reshape(-1)
    windows = np.take(items, corners[:, None, None] + inside).view(np.float32)
    windows = windows.reshape(-1, WINDOW, WINDOW, 4)
    windows[..., 3] = 0
    where = tuple(places.T)
    windows[tiles.below[where], _LAST, :, 3] = HIDDEN
    windows[tiles.beyond[where], :, _LAST, 3] = HIDDEN
    return windows


def _cut(
    height: int, width: int, image: int, scale: float, level: int, side: int
) -> Iterator[Piece]:
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield Piece(
                image, scale, level, top, left,
                min(side, height - top), min(side, width - left), -1, 0, 0,
            )  # fmt: skip


def _starts(length: int, side: int) -> range:
    return range(1) if length <= side else range(0, length - _OVERLAP, side - _OVERLAP)


def _shelve(pieces: list[Piece], side: int) -> Iterator[Piece]:
    """Place pieces on shelves, tallest first, each on the first shelf with room."""
    shelves: list[list[int]] = []  # tile, top, width used, height
    next_tops: list[int] = []  # for each tile, where the next shelf would begin
    for piece in sorted(pieces, key=lambda piece: -piece.height):
        height, width = _even(piece.height), _even(piece.width)
        shelf = next((s for s in shelves if s[2] + width <= side and s[3] >= height), None)
        if shelf is None:
            tile = next((t for t, top in enumerate(next_tops) if top + height <= side), None)
            if tile is None:
                tile = len(next_tops)
                next_tops.append(0)
            shelf = [tile, next_tops[tile], 0, height]
            shelves.append(shelf)
            next_tops[tile] += height
        yield Piece(
            piece.image, piece.scale, piece.level, piece.top, piece.left,
            piece.height, piece.width, shelf[0], shelf[1], shelf[2],
        )  # fmt: skip
        shelf[2] += width


def _place(
    tile: Float32[np.ndarray, "side side 4"],
    piece: Piece,
    table: SummedArea,
    size: tuple[int, int],
) -> None:
    """Draw a piece; where its side is odd, its last row or column is repeated."""
    height, width = _even(piece.height), _even(piece.width)
    rows = range(piece.top, piece.top + height)
    columns = range(piece.left, piece.left + width)
    top, left = piece.tile_top, piece.tile_left
    tile[top : top + height, left : left + width] = area_resize(table, size, rows, columns)


def _even(length: int) -> int:
    return length + length % 2
