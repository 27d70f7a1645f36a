import numpy as np
import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d

from workers.detectors.mtcnn.area_sampling import area_crops, area_resize, summed_area_table


def noise(height, width):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def pooled(image, height, width):
    values = torch.from_numpy(image).permute(2, 0, 1)[None].double()
    mean = adaptive_avg_pool2d(values, (height, width))[0].permute(1, 2, 0)
    return ((mean - 127.5) / 128).numpy()


@pytest.mark.parametrize("size", [(1, 1), (13, 20), (40, 50), (60, 75), (61, 90)])
def test_area_resize_equals_adaptive_average_pooling(size):
    image = noise(40, 50)

    found = area_resize(summed_area_table(image), size, range(size[0]), range(size[1]))[..., :3]

    np.testing.assert_allclose(found, pooled(image, *size), atol=1e-5)


def test_part_of_a_resized_image_repeats_its_edge():
    table = summed_area_table(noise(40, 50))

    whole = area_resize(table, (13, 20), range(13), range(20))
    part = area_resize(table, (13, 20), range(7, 14), range(2, 22))

    np.testing.assert_array_equal(part[:6, :18], whole[7:, 2:])
    np.testing.assert_array_equal(part[6], part[5])
    np.testing.assert_array_equal(part[:, 18:], np.repeat(part[:, 17:18], 2, axis=1))


@pytest.mark.parametrize("size", [24, 48])
def test_area_crops_equal_adaptive_average_pooling_of_each_crop(size):
    image = noise(90, 120)
    boxes = np.array([[0, 0, 120, 90], [5, 7, 6, 8], [30, 20, 90, 85], [100, 60, 120, 75]])

    found = area_crops(summed_area_table(image), boxes, size)

    for crop, (left, top, right, bottom) in zip(found, boxes, strict=True):
        expected = pooled(image[top:bottom, left:right], size, size)
        np.testing.assert_allclose(crop[..., :3], expected, atol=1e-5)


def test_sums_that_wrap_around_still_give_the_right_means():
    table = summed_area_table(np.full((3000, 3000, 3), 255, np.uint8))  # 2.3e9 > 2**31

    found = area_crops(table, np.array([[2900, 2900, 3000, 3000]]), 24)

    np.testing.assert_allclose(found[..., :3], 127.5 / 128, atol=1e-6)


def test_no_boxes_give_no_crops():
    crops = area_crops(summed_area_table(noise(30, 30)), np.empty((0, 4), np.int64), 24)

    assert crops.shape == (0, 24, 24, 4)
