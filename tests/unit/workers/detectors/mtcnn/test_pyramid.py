import numpy as np
import pytest
import torch

from workers.detectors.mtcnn.area_sampling import area_resize, summed_area_table
from workers.detectors.mtcnn.pyramid import (
    HIDDEN,
    STRIDE,
    cut_windows,
    output_cells,
    pack,
    scales,
)
from workers.networks.mtcnn import PNet, PNetWindow

SIZES = [(250, 250), (301, 97), (40, 40), (63, 200)]


def tables(sizes=SIZES):
    chance = np.random.default_rng(3)
    return [
        summed_area_table(chance.integers(0, 256, (height, width, 3), dtype=np.uint8))
        for height, width in sizes
    ]


@pytest.mark.parametrize("side", [32, 64, 256])
@torch.inference_mode()
def test_windows_are_those_of_every_level_as_if_it_stood_alone(side):
    """In particular the windows that reach one pixel beyond a level of odd size."""
    torch.manual_seed(0)
    whole, single = PNet().eval(), PNetWindow().eval()
    single.load_state_dict(whole.state_dict())
    packed = pack(tables(), min_face_sizes=[20] * len(SIZES), side=side)
    coarse = whole(torch.from_numpy(packed.pixels).permute(0, 3, 1, 2)).numpy()

    places = np.stack(np.nonzero(packed.owners >= 0), axis=1)
    logits, _ = single(torch.from_numpy(cut_windows(packed, places)).permute(0, 3, 1, 2))

    seen = {}
    for (tile, row, column), logit in zip(places, logits.tolist(), strict=True):
        piece = packed.pieces[packed.owners[tile, row, column]]
        place = (
            row + (piece.top - piece.tile_top) // STRIDE,
            column + (piece.left - piece.tile_left) // STRIDE,
        )
        level = seen.setdefault((piece.image, piece.scale), {})
        assert place not in level
        level[place] = logit
        if not (packed.below | packed.beyond)[tile, row, column]:
            assert coarse[tile, row, column] == pytest.approx(logit, abs=1e-4)
    for image, table in enumerate(tables()):
        height, width = SIZES[image]
        for scale in scales(height=height, width=width, min_face_size=20):
            size = int(height * scale + 1), int(width * scale + 1)
            level = area_resize(table, size, range(size[0]), range(size[1]))
            alone = whole(torch.from_numpy(level)[None].permute(0, 3, 1, 2))
            windows = dict(np.ndenumerate(alone[0].numpy()))
            assert seen[image, scale].keys() == windows.keys()
            for place, expected in windows.items():
                assert seen[image, scale][place] == pytest.approx(expected, abs=1e-4)


def test_hidden_value_is_the_networks_own():
    assert HIDDEN == PNetWindow.HIDDEN


@pytest.mark.parametrize(("height", "width"), [(10, 10), (1, 1000), (39, 500)])
def test_image_smaller_than_the_smallest_face_has_no_level(height, width):
    packed = pack(tables([(height, width)]), min_face_sizes=[40], side=64)

    assert packed.pieces == []
    assert packed.pixels.shape == (0, 64, 64, 4)


def test_no_images_need_no_tiles():
    assert pack([], min_face_sizes=[], side=64).pieces == []


@pytest.mark.parametrize("length", range(12, 80))
def test_output_cells_counts_what_the_network_returns(length):
    with torch.inference_mode():
        logits = PNet()(torch.zeros(1, 4, 12, length))

    assert output_cells(length) == logits.shape[2]
