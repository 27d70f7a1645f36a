import io
import os
import struct
import sys
import tracemalloc
import zlib
from contextlib import suppress
from functools import cache

import pictures
import pytest
from pictures import chunk, encoded
from PIL import Image

from app.domain.errors import (
    CorruptImageError,
    ImageError,
    ImageTooLargeError,
    ImageTooSmallError,
    UnsupportedImageError,
)
from app.imaging.inspect import ImageLimits, inspect_image

LIMITS = ImageLimits()
WIDTH, HEIGHT = pictures.SIZE
TEN_MB = 10 * 2**20


def blank(kind, size=(64, 48), mode="RGB", **options):
    return encoded(Image.new(mode, size), kind, **options)


def png_header(width, height):
    """A PNG that claims a size and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def jpeg_header(width, height, **options):
    """A JPEG whose header claims another size."""
    data = encoded(Image.new("RGB", (16, 16)), "JPEG", **options)
    size = data.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0") + 5
    return data[:size] + struct.pack(">HH", height, width) + data[size + 4 :]


@pytest.mark.parametrize("kind", pictures.formats())
def test_inspect_tells_format_and_size(kind):
    info = inspect_image(pictures.formats()[kind], limits=LIMITS)

    size = (128, 128) if kind == "ICO" else (WIDTH, HEIGHT)
    assert (info.format, info.width, info.height, info.scale) == (kind, *size, 1)


@pytest.mark.parametrize(
    "table",
    [
        pictures.colours,
        pictures.greys,
        pictures.beside_the_pixels,
        pictures.several_frames,
        pictures.cut_in_the_pixels,
    ],
)
def test_inspect_accepts_every_oddity_that_can_be_decoded(table):
    for name, data in table().items():
        info = inspect_image(data, limits=LIMITS)
        assert (info.width, info.height) in {(WIDTH, HEIGHT), (128, 128)}, name


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 100,
        b"hello",
        b"<svg/>",
        b"RIFF\0\0\0\0WAVE",
        b"BM is how this text begins",
        b"\0\0\0\x18ftypmp42\0\0\0\0isommp42",
        b"%PDF-1.7\n",
        b"8BPS\0\1",
        blank("PPM"),
        blank("TGA"),
        blank("JPEG2000"),
        blank("QOI"),
        blank("PCX"),
    ],
)
def test_inspect_refuses_what_is_no_image_of_the_formats(data):
    with pytest.raises(UnsupportedImageError):
        inspect_image(data, limits=LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x04\0\0\0WEBP",
        b"GIF89a\1",
        b"\0\0\1\0",
        b"\0\0\1\0\0\0",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\0\0\0\0\0\0",
        b"\0\0\0\x10ftypheic\0\0\0\0",
        blank("PNG")[:20],
        blank("JPEG")[:200],
    ],
)
def test_inspect_calls_an_empty_or_broken_header_corrupt(data):
    with pytest.raises(CorruptImageError):
        inspect_image(data, limits=LIMITS)


def test_inspect_finds_a_damaged_header_by_its_checksum():
    data = bytearray(blank("PNG"))
    data[19] ^= 1

    with pytest.raises(CorruptImageError):
        inspect_image(bytes(data), limits=LIMITS)


@pytest.mark.parametrize(
    ("size", "scale"),
    [
        ((5_000, 5_000), 1),
        ((8_000, 6_000), 2),  # 48 megapixels
        ((12_000, 9_000), 4),  # 108
        ((16_320, 12_240), 4),  # 200
        ((30_000, 30_000), 8),
        ((16_000, 500), 2),
    ],
)
def test_a_large_jpeg_is_accepted_for_a_reduced_scale(size, scale):
    info = inspect_image(jpeg_header(*size), limits=LIMITS)

    assert (info.width, info.height, info.scale) == (*size, scale)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (jpeg_header(65_500, 65_500), "Scale it down"),
        (jpeg_header(20_000, 20_000, progressive=True), "plain JPEG"),
        (png_header(10_000, 5_001), "at most 50,000,000"),
        (png_header(30_000, 30_000), "send a JPEG"),
        (png_header(60_000, 60_000), "send a JPEG"),
        (png_header(2**31 - 1, 2**31 - 1), "send a JPEG"),
        (b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\0\0\0", "send a JPEG"),
    ],
)
def test_inspect_refuses_what_would_take_too_much_memory_by_the_header_alone(data, reason):
    with pytest.raises(ImageTooLargeError, match=reason):
        inspect_image(data, limits=LIMITS)


def test_a_large_image_of_another_format_is_accepted_as_far_as_the_memory_goes():
    assert inspect_image(png_header(8_000, 6_000), limits=LIMITS).scale == 2


def test_pixels_beyond_any_limit_of_a_library_are_accepted_where_the_setting_allows_them():
    raised = ImageLimits(max_pixels=500_000_000, max_side=40_000)

    assert inspect_image(png_header(20_000, 20_000), limits=raised).scale == 1


def test_inspect_refuses_a_long_side():
    with pytest.raises(ImageTooLargeError, match="side"):
        inspect_image(png_header(12_001, 30), limits=LIMITS)


def test_inspect_refuses_too_many_bytes():
    data = blank("PNG")

    with pytest.raises(ImageTooLargeError, match="bytes"):
        inspect_image(data, limits=ImageLimits(max_bytes=len(data) - 1))


def test_inspect_refuses_tiny_images():
    with pytest.raises(ImageTooSmallError):
        inspect_image(blank("PNG", size=(19, 200)), limits=LIMITS)


def test_limits_are_inclusive():
    data = blank("PNG", size=(20, 30))
    limits = ImageLimits(max_bytes=len(data), max_pixels=600, min_side=20, max_side=30)

    info = inspect_image(data, limits=limits)
    assert (info.width, info.scale) == (20, 1)


def test_inspect_takes_a_photograph_with_more_pictures_behind_it_for_its_first():
    buffer = io.BytesIO()
    extra = Image.new("RGB", (32, 32))
    Image.new("RGB", (64, 48)).save(buffer, "MPO", save_all=True, append_images=[extra])

    info = inspect_image(buffer.getvalue(), limits=LIMITS)

    assert (info.format, info.width, info.height) == ("JPEG", 64, 48)


def test_inspect_refuses_a_jpeg_that_makes_a_decoder_go_over_it_ten_thousand_times():
    plain = blank("JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    repeated = plain[:last] + plain[last:-2] * 10_000 + plain[-2:]

    assert inspect_image(plain, limits=LIMITS).format == "JPEG"
    with pytest.raises(ImageTooLargeError, match="scans"):
        inspect_image(repeated, limits=LIMITS)


@cache
def _costly_headers():
    """Files of up to 10 MB that are made to keep a reader of headers busy."""
    plain = blank("JPEG")
    scans = blank("JPEG", progressive=True)
    ftyp = struct.pack(">I4s4sI", 16, b"ftyp", b"heic", 0)
    bomb = chunk(b"iCCP", b"k\0\0" + zlib.compress(b"a" * 60_000))
    before_size = blank("PNG")[:33]
    return {
        "small segments": plain[:2] + (b"\xff\xe1\0\x14Exif\0\0" + b"x" * 12) * 445_000 + plain[2:],
        "comment markers": plain[:2] + b"\xff\xfe\0\2" * 2_500_000 + plain[2:],
        "fill bytes": plain[:2] + b"\xff" * TEN_MB + plain[2:],
        "fill bytes in pieces": plain[:2] + (b"\xff" * 255 + b"\0") * 40_000 + plain[2:],
        "escaped bytes": plain[:2] + b"\xff\0" * 5_000_000 + plain[2:],
        "restart markers": plain[:2] + b"\xff\xd0" * 5_000_000 + plain[2:],
        "escaped bytes in scans": scans[:-2] + b"\xff\0" * 5_000_000,
        "fill bytes in scans": scans[:-2] + b"\xff" * TEN_MB,
        "half markers in scans": scans[:-2] + b"\xda" * TEN_MB,
        "noise in scans": scans[:-2] + os.urandom(TEN_MB),
        "scans": scans[:-2] + b"\xff\xda" * 5_000_000,
        "colour profiles": before_size + bomb * 9_500,
        "text": before_size + chunk(b"tEXt", b"k\0v") * 600_000,
        "tags": b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 300, 3, 1, 1) * 65_535,
        "large tags": b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63)
        + struct.pack("<HHQQ", 300, 3, 1, 1) * 500_000,
        "icons": struct.pack("<HHH", 0, 1, 65_535) + (b"\0" * 8 + struct.pack("<II", TEN_MB, 0))
        * 65_535,
        "boxes": ftyp + struct.pack(">I4s", 8, b"free") * 1_300_000,
        "boxes without a length": ftyp + struct.pack(">I4sI", 0, b"meta", 0)
        + struct.pack(">I4s", 8, b"free") * 1_300_000,
        "brands": struct.pack(">I4s4sI", TEN_MB, b"ftyp", b"xxxx", 0) + b"heix" * 2_600_000,
        "a canvas": b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * TEN_MB,
    }  # fmt: skip


@pytest.mark.parametrize("name", _costly_headers())
def test_no_header_costs_the_front_more_than_a_bounded_number_of_steps(name):
    data = _costly_headers()[name][:TEN_MB]
    steps = 0

    def step(*_):
        nonlocal steps
        steps += 1
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        with suppress(ImageError):
            inspect_image(data, limits=LIMITS)
    finally:
        sys.settrace(before)
    assert steps < 50_000  # three milliseconds


@pytest.mark.parametrize("name", _costly_headers())
def test_no_header_costs_the_front_more_memory_than_the_file_itself(name):
    data = _costly_headers()[name][:TEN_MB]

    tracemalloc.start()
    with suppress(ImageError):
        inspect_image(data, limits=LIMITS)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < TEN_MB + 2**20
