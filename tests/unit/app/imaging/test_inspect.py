import io
import struct
import zlib

import pytest
from PIL import Image

from app.domain.errors import (
    CorruptImageError,
    ImageTooLargeError,
    ImageTooSmallError,
    UnsupportedImageError,
)
from app.imaging.inspect import ImageLimits, inspect_image

LIMITS = ImageLimits()


def encoded(kind, size=(64, 48), mode="RGB", **options):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width, height):
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body
            + struct.pack(">I", zlib.crc32(name + body))
        )  # fmt: skip

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_inspect_tells_format_and_size(kind):
    info = inspect_image(encoded(kind), limits=LIMITS)

    assert (info.format, info.width, info.height) == (kind, 64, 48)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO"])
def test_inspect_refuses_other_formats(kind):
    with pytest.raises(UnsupportedImageError):
        inspect_image(encoded(kind), limits=LIMITS)


@pytest.mark.parametrize("data", [b"\0" * 100, b"hello", b"<svg/>", b"RIFF\0\0\0\0WAVE"])
def test_inspect_refuses_what_is_no_image(data):
    with pytest.raises(UnsupportedImageError):
        inspect_image(data, limits=LIMITS)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x04\0\0\0WEBP", encoded("PNG")[:20]],
)
def test_inspect_calls_an_empty_or_broken_header_corrupt(data):
    with pytest.raises(CorruptImageError):
        inspect_image(data, limits=LIMITS)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_inspect_refuses_animations(kind):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])

    with pytest.raises(UnsupportedImageError, match="Animated"):
        inspect_image(buffer.getvalue(), limits=LIMITS)


@pytest.mark.parametrize("size", [(5_001, 5_001), (30_000, 30_000), (60_000, 60_000)])
def test_inspect_refuses_too_many_pixels_by_the_header_alone(size):
    with pytest.raises(ImageTooLargeError):
        inspect_image(png_header(*size), limits=LIMITS)


def test_inspect_refuses_a_long_side():
    with pytest.raises(ImageTooLargeError, match="side"):
        inspect_image(png_header(12_001, 30), limits=LIMITS)


def test_inspect_refuses_too_many_bytes():
    data = encoded("PNG")

    with pytest.raises(ImageTooLargeError, match="bytes"):
        inspect_image(data, limits=ImageLimits(max_bytes=len(data) - 1))


def test_inspect_refuses_tiny_images():
    with pytest.raises(ImageTooSmallError):
        inspect_image(encoded("PNG", size=(19, 200)), limits=LIMITS)


def test_limits_are_inclusive():
    data = encoded("PNG", size=(20, 30))
    limits = ImageLimits(max_bytes=len(data), max_pixels=600, min_side=20, max_side=30)

    assert inspect_image(data, limits=limits).width == 20


def test_inspect_takes_a_photograph_with_more_pictures_behind_it_for_its_first():
    buffer = io.BytesIO()
    extra = Image.new("RGB", (32, 32))
    Image.new("RGB", (64, 48)).save(buffer, "MPO", save_all=True, append_images=[extra])

    info = inspect_image(buffer.getvalue(), limits=LIMITS)

    assert (info.format, info.width, info.height) == ("JPEG", 64, 48)


def test_inspect_refuses_a_jpeg_that_makes_a_decoder_go_over_it_ten_thousand_times():
    plain = encoded("JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    repeated = plain[:last] + plain[last:-2] * 10_000 + plain[-2:]

    assert inspect_image(plain, limits=LIMITS).format == "JPEG"
    with pytest.raises(ImageTooLargeError, match="scans"):
        inspect_image(repeated, limits=LIMITS)
