import io
import random

import numpy as np
import pytest
from PIL import Image

from app.domain.errors import CorruptImageError, ImageError
from app.imaging.inspect import ImageLimits
from workers.images.decode import decode_image

LIMITS = ImageLimits()


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(image, kind="PNG", **options):
    return decode_image(encoded(image, kind, **options), limits=LIMITS)


def corners():
    """An image whose four quarters differ, so that any turn shows."""
    quarters = np.zeros((40, 60, 3), np.uint8)
    quarters[:20, :30] = 200
    quarters[:20, 30:] = (200, 0, 0)
    quarters[20:, :30] = (0, 200, 0)
    return Image.fromarray(quarters)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_decode_undoes_every_exif_orientation(orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = corners()
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation

    np.testing.assert_array_equal(decoded(stored, exif=exif), np.asarray(upright))


@pytest.mark.parametrize("value", [0, 9, 77])
def test_decode_ignores_an_impossible_orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value

    np.testing.assert_array_equal(decoded(corners(), exif=exif), np.asarray(corners()))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, and then it goes on
def test_decode_ignores_damaged_exif_data():
    pixels = decoded(corners(), kind="JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff", quality=95)

    assert pixels.shape == (40, 60, 3)


def test_decode_repeats_grey_over_the_channels():
    assert (decoded(Image.new("L", (30, 30), 77)) == 77).all()


def test_decode_scales_sixteen_bits_and_does_not_clip_them():
    ramp = np.linspace(0, 65535, 900).reshape(30, 30).astype(np.uint16)

    pixels = decoded(Image.fromarray(ramp))

    np.testing.assert_array_equal(pixels[..., 0], ramp >> 8)


def test_decode_reads_black_and_white():
    assert (decoded(Image.new("1", (30, 30), 1)) == 255).all()


def test_decode_looks_up_palettes():
    image = Image.new("RGB", (30, 30), (12, 200, 99)).convert("P", palette=Image.Palette.ADAPTIVE)

    assert tuple(decoded(image)[0, 0]) == (12, 200, 99)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_decode_shows_white_through_transparency(kind):
    image = Image.new("RGBA", (30, 30), (255, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 15, 30))

    pixels = decoded(image, kind=kind, lossless=True)

    assert tuple(pixels[0, 0]) == (255, 0, 0)
    assert tuple(pixels[0, 29]) == (255, 255, 255)


def test_decode_shows_white_through_grey_with_alpha_and_half_of_it_where_half_clear():
    image = Image.new("LA", (30, 30), (0, 128))

    assert abs(int(decoded(image)[0, 0, 0]) - 127) <= 1


def test_decode_honours_a_transparent_palette_entry():
    image = Image.new("P", (30, 30), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])

    assert tuple(decoded(image, transparency=0)[0, 0]) == (255, 255, 255)


def test_decode_converts_cmyk():
    image = Image.new("CMYK", (32, 32), (0, 255, 255, 0))

    red, green, blue = decoded(image, kind="JPEG", quality=95)[5, 5].astype(int)

    assert red > 240
    assert green < 15
    assert blue < 15


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_decode_refuses_a_file_that_was_cut_short(kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)

    with pytest.raises(CorruptImageError):
        decode_image(data[: int(len(data) * share)], limits=LIMITS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("seed", range(150))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_decode_answers_any_damage_with_pixels_or_an_image_error(kind, seed):
    chance = random.Random(seed)
    data = bytearray(encoded(corners(), kind))
    for _ in range(chance.randint(1, 12)):
        data[chance.randrange(len(data))] = chance.randrange(256)

    try:
        pixels = decode_image(bytes(data), limits=LIMITS)
    except ImageError:
        return

    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
