import random
import struct
import zlib

import numpy as np
import pictures
import pytest
from pictures import chunk, encoded, oriented, picture
from PIL import Image

from app.domain.detection import ImageWarning
from app.domain.errors import CorruptImageError, ImageError, ImageTooLargeError, ImageTooSmallError
from app.imaging.inspect import ImageLimits
from workers.images.decode import decode_image

LIMITS = ImageLimits()
KINDS = tuple(pictures.formats())
#: Mean difference of samples that is due to compression, where whole quarters are of one colour.
NEARLY = 6


def decoded(image, kind="PNG", **options):
    return decode_image(encoded(image, kind, **options), limits=LIMITS).pixels


def differences(pixels, expected):
    """Return by how much each sample differs, as numbers that may be negative."""
    return pixels.astype(int) - np.asarray(expected).astype(int)


def assert_shows(image, expected):
    assert image.pixels.dtype == np.uint8
    assert image.pixels.shape == np.asarray(expected).shape
    assert np.abs(differences(image.pixels, expected)).mean() < NEARLY
    assert (image.height, image.width) == image.pixels.shape[:2]


def of_size(image):
    """The picture in the size of an image: icons are squares."""
    return picture((image.width, image.height))


@pytest.mark.parametrize("name", pictures.colours())
def test_the_picture_is_the_same_however_its_colours_are_stored(name):
    image = decode_image(pictures.colours()[name], limits=LIMITS)

    assert_shows(image, of_size(image))
    assert image.warnings == ()


@pytest.mark.parametrize("name", pictures.greys())
def test_the_picture_is_the_same_however_its_greys_are_stored(name):
    image = decode_image(pictures.greys()[name], limits=LIMITS)

    assert_shows(image, picture().convert("L").convert("RGB"))
    assert image.warnings == ()


@pytest.mark.parametrize("name", pictures.beside_the_pixels())
def test_what_lies_beside_the_pixels_decides_nothing(name):
    image = decode_image(pictures.beside_the_pixels()[name], limits=LIMITS)

    assert_shows(image, of_size(image))
    assert image.warnings == ()


@pytest.mark.parametrize("name", pictures.several_frames())
def test_of_several_pictures_the_first_is_used_and_that_is_told(name):
    image = decode_image(pictures.several_frames()[name], limits=LIMITS)

    assert_shows(image, picture())
    assert image.warnings == (ImageWarning.FIRST_FRAME,)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF", "MPO"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_undone_in_every_format_that_has_one(kind, orientation):
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95}

    image = decode_image(oriented(kind, orientation, **options), limits=LIMITS)

    assert_shows(image, picture())


@pytest.mark.parametrize("value", [0, 9, 77])
def test_decode_ignores_an_impossible_orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value

    np.testing.assert_array_equal(decoded(picture(), exif=exif), np.asarray(picture()))


def test_values_of_sixteen_bits_are_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 900).reshape(30, 30).astype(np.uint16)

    np.testing.assert_array_equal(decoded(Image.fromarray(ramp))[..., 0], ramp >> 8)


@pytest.mark.parametrize("bits", range(8, 17))
def test_values_are_scaled_by_the_bits_that_an_image_uses(bits):
    ramp = np.linspace(0, 2**bits - 1, 900).reshape(30, 30).astype(np.uint16)
    colours = np.dstack([ramp, ramp[::-1], ramp[:, ::-1]])

    grey = decoded(Image.fromarray(ramp))
    coloured = decode_image(pictures.png(colours, colour=2, depth=16), limits=LIMITS).pixels

    np.testing.assert_array_equal(grey[..., 0], ramp >> (bits - 8))
    np.testing.assert_array_equal(coloured, colours >> (bits - 8))


def test_decode_reads_black_and_white():
    assert (decoded(Image.new("1", (30, 30), 1)) == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF", "AVIF", "TIFF", "ICO"])
def test_decode_shows_white_through_transparency(kind):
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 32, 64))
    options = {"lossless": True} if kind == "WEBP" else {}

    pixels = decoded(image, kind=kind, **options)

    assert np.abs(pixels[5, 5].astype(int) - (255, 0, 0)).max() < 5
    assert np.abs(pixels[5, 60].astype(int) - 255).max() < 5


def test_decode_shows_white_through_grey_with_alpha_and_half_of_it_where_half_clear():
    image = Image.new("LA", (30, 30), (0, 128))

    assert abs(int(decoded(image)[0, 0, 0]) - 127) <= 1


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_decode_honours_a_transparent_palette_entry(kind):
    image = Image.new("P", (30, 30), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(1, (0, 0, 15, 30))

    pixels = decoded(image, kind=kind, transparency=0)

    assert tuple(pixels[0, 0]) == (200, 100, 50)
    assert tuple(pixels[0, 29]) == (255, 255, 255)


def test_decode_honours_a_transparent_colour():
    samples = np.asarray(picture())
    data = pictures.png(samples, colour=2, before=chunk(b"tRNS", struct.pack(">HHH", 200, 0, 0)))

    pixels = decode_image(data, limits=LIMITS).pixels

    assert tuple(pixels[0, -1]) == (255, 255, 255)
    assert tuple(pixels[0, 0]) == (200, 200, 200)


def test_decode_converts_cmyk():
    image = Image.new("CMYK", (32, 32), (0, 255, 255, 0))

    red, green, blue = decoded(image, kind="JPEG", quality=95)[5, 5].astype(int)

    assert red > 240
    assert green < 15
    assert blue < 15


@pytest.mark.parametrize("name", pictures.cut_in_the_pixels())
def test_of_a_file_that_is_cut_short_the_pixels_that_are_whole_are_used(name):
    image = decode_image(pictures.cut_in_the_pixels()[name], limits=LIMITS)

    upper = picture().height // 2 - 8  # of a JPEG, blocks belong together
    if name == "BMP":
        upper //= 2
    assert np.abs(differences(image.pixels[:upper], np.asarray(picture())[:upper])).mean() < NEARLY
    assert image.warnings == (ImageWarning.INCOMPLETE,)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_last_bytes_has_all_its_pixels(missing, progressive):
    whole = encoded(picture(), "JPEG", quality=95, progressive=progressive)

    image = decode_image(whole[:-missing], limits=LIMITS)

    np.testing.assert_array_equal(image.pixels, decode_image(whole, limits=LIMITS).pixels)
    assert image.warnings == (ImageWarning.INCOMPLETE,)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_rows_before_a_cut_are_those_of_the_whole_file(kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    whole = decode_image(data, limits=LIMITS)

    cut = decode_image(data[: int(len(data) * share)], limits=LIMITS)

    rows = int(160 * share) - 24
    np.testing.assert_array_equal(cut.pixels[:rows], whole.pixels[:rows])
    assert cut.warnings == (ImageWarning.INCOMPLETE,)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_cut_avif_is_refused_as_its_decoder_makes_up_what_is_missing(share):
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), "AVIF")

    with pytest.raises(CorruptImageError):
        decode_image(data[: int(len(data) * share)], limits=LIMITS)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("WEBP", {"quality": 90}), ("WEBP", {"lossless": True}), ("HEIF", {"quality": 90})],
)
@pytest.mark.parametrize("missing", [1, 2, 20])
def test_a_file_without_its_last_bytes_has_nearly_all_its_pixels(kind, options, missing):
    noise = np.random.default_rng(0).integers(0, 40, (160, 160, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind, **options)

    image = decode_image(data[:-missing], limits=LIMITS)

    whole = decode_image(data, limits=LIMITS).pixels
    np.testing.assert_array_equal(image.pixels[:128], whole[:128])
    assert image.warnings == (ImageWarning.INCOMPLETE,)


def test_a_webp_is_whole_to_the_eye_where_only_the_metadata_behind_is_cut():
    exif = Image.Exif()
    exif[0x010E] = "a long description " * 20
    data = encoded(picture(), "WEBP", lossless=True, exif=exif)

    image = decode_image(data[:-100], limits=LIMITS)

    np.testing.assert_array_equal(image.pixels, np.asarray(picture()))
    assert image.warnings == (ImageWarning.INCOMPLETE,)


def test_a_png_that_is_damaged_within_shows_the_rows_before():
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    data = bytearray(pictures.png(noise, colour=2))
    data[len(data) // 2] ^= 0xFF

    image = decode_image(bytes(data), limits=LIMITS)

    np.testing.assert_array_equal(image.pixels[:30], noise[:30])
    assert image.warnings == (ImageWarning.INCOMPLETE,)


@pytest.mark.parametrize(
    "data",
    [
        pictures.png(np.zeros((30, 30, 3)), colour=2).replace(b"IDAT", b"IDOT"),
        encoded(picture(), "PNG").replace(b"IDAT", b"IDAT\0\0\0\0"),
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 3, 0, 0, 0))
        + chunk(b"PLTE", b"\1" * 768)[:-1]
        + b"?"
        + chunk(b"IDAT", zlib.compress(b"\0" * 65 * 64)),
    ],
)
def test_a_file_of_which_no_pixel_can_be_read_is_corrupt(data):
    with pytest.raises(CorruptImageError):
        decode_image(data, limits=LIMITS)


@pytest.mark.parametrize(
    ("kind", "across", "scale"),
    [
        *(("JPEG", across, scale) for across, scale in [(1, 1), (2, 2), (3, 4), (6, 8)]),
        *((kind, 1.1, 2) for kind in ("PNG", "GIF", "BMP", "TIFF", "HEIF", "AVIF")),
        ("WEBP", 1.02, 2),
    ],
)
def test_a_large_image_is_reduced_until_it_is_within_the_limits(kind, across, scale):
    limits = ImageLimits(max_pixels=256 * 200)
    size = int(256 * across) - 1, int(200 * across) - 1
    options = {"lossless": True} if kind == "WEBP" else {}

    image = decode_image(encoded(picture(size), kind, **options), limits=limits)

    reduced = -(-size[0] // scale), -(-size[1] // scale)
    expected = picture(size).resize(reduced, Image.Resampling.BOX)
    assert (image.width, image.height, image.scale) == (*size, scale)
    assert image.pixels.shape == np.asarray(expected).shape
    assert np.abs(differences(image.pixels, expected)).mean() < NEARLY
    assert image.warnings == ((ImageWarning.REDUCED,) if scale > 1 else ())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_pixels_of_every_kind_are_reduced(mode):
    limits = ImageLimits(max_pixels=100 * 100)
    kind = "TIFF" if mode == "CMYK" else "PNG"
    if mode == "I;16":
        shown = Image.fromarray(np.asarray(picture((110, 108)).convert("L"), np.uint16) << 8)
    else:
        shown = picture((110, 108)).convert(mode, dither=Image.Dither.NONE)

    image = decode_image(encoded(shown, kind), limits=limits)

    assert image.pixels.shape == (54, 55, 3)
    np.testing.assert_array_equal(
        image.pixels[10:20, 10:20], decoded(shown, kind)[20:40:2, 20:40:2]
    )


def test_the_limits_of_the_library_do_not_count_where_ours_are_higher():
    limits = ImageLimits(max_pixels=60_000_000)  # Pillow would refuse 100 million pixels
    data = encoded(Image.new("1", (10_000, 10_000), 1), "PNG")

    assert decode_image(data, limits=limits).pixels.shape == (5_000, 5_000, 3)


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_a_turned_image_tells_the_size_of_the_upright_one(orientation):
    limits = ImageLimits(max_pixels=picture().width * picture().height // 3)

    image = decode_image(oriented("JPEG", orientation, quality=95), limits=limits)

    assert (image.width, image.height, image.scale) == (*pictures.SIZE, 2)
    assert image.pixels.shape == (pictures.SIZE[1] // 2, pictures.SIZE[0] // 2, 3)


def test_what_a_header_hides_is_found_when_it_is_decoded():
    """An icon's directory says nothing true of the picture within."""
    inner = encoded(Image.new("RGB", (600, 600)), "PNG")
    icon = struct.pack("<HHH", 0, 1, 1)
    icon += struct.pack("<BBBBHHII", 32, 32, 0, 0, 1, 32, len(inner), 22) + inner

    assert decode_image(icon, limits=LIMITS).pixels.shape == (600, 600, 3)
    with pytest.raises(ImageTooLargeError):
        decode_image(icon, limits=ImageLimits(max_pixels=90_000))


def test_a_reduced_image_that_becomes_too_small_is_refused():
    with pytest.raises((ImageTooLargeError, ImageTooSmallError)):
        decode_image(encoded(Image.new("RGB", (12_400, 30)), "JPEG"), limits=LIMITS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(40))
def test_decode_answers_any_damage_with_pixels_or_an_image_error(kind, seed):
    chance = random.Random(seed)
    data = bytearray(pictures.formats()[kind])
    for _ in range(chance.randint(1, 12)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    if seed % 4 == 0:
        del data[chance.randrange(len(data)) :]

    try:
        image = decode_image(bytes(data), limits=ImageLimits(max_pixels=1_000_000))
    except ImageError:
        return

    assert image.pixels.dtype == np.uint8
    assert image.pixels.shape[2] == 3
    assert image.pixels.shape[0] * image.pixels.shape[1] <= 1_000_000


def test_a_frame_far_larger_than_its_canvas_is_refused_before_it_is_loaded():
    gif = bytearray(pictures.formats()["GIF"])
    frame = gif.index(b"\x2c", 13 + 3 * 2 ** ((gif[10] & 7) + 1))  # behind the colour table
    struct.pack_into("<HH", gif, frame + 5, 65_535, 65_535)

    with pytest.raises(ImageTooLargeError):
        decode_image(bytes(gif), limits=LIMITS)
