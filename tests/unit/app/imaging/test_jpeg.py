import struct

import pictures
import pytest
from pictures import encoded, jpeg_with

from app.domain.errors import ImageTooLargeError
from app.imaging.jpeg import read_header, without_metadata


def frame(marker, *components, size=(800, 600)):
    """A start of frame and of a scan, with each component's sampling factors."""
    body = struct.pack(">BHHB", 8, size[1], size[0], len(components))
    body += b"".join(
        bytes([n, across << 4 | down, 0]) for n, (across, down) in enumerate(components)
    )
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def scan(components):
    body = bytes([components]) + b"\0\0" * components + b"\0\x3f\0"
    return b"\xff\xda" + struct.pack(">H", len(body) + 2) + body + b"\0" * 99


HALVED = ((2, 2), (1, 1), (1, 1))
WHOLE = ((1, 1), (1, 1), (1, 1))


@pytest.mark.parametrize(
    ("marker", "components", "in_first_scan", "bytes_per_pixel"),
    [
        (0xC0, HALVED, 3, 0),
        (0xC0, HALVED, 1, 3),  # in several scans
        (0xC1, WHOLE, 3, 0),
        (0xC2, HALVED, 3, 3),
        (0xC2, WHOLE, 3, 6),
        (0xC2, ((1, 1),), 1, 2),
        (0xC2, (*HALVED, (2, 2)), 4, 5),
    ],
)
def test_coefficients_are_counted_where_a_decoder_keeps_them(
    marker, components, in_first_scan, bytes_per_pixel
):
    header = read_header(b"\xff\xd8" + frame(marker, *components) + scan(in_first_scan))

    assert (header.width, header.height) == (800, 600)
    assert header.coefficient_bytes == 800 * 600 * bytes_per_pixel


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8",
        b"\xff\xd8" + scan(1),
        b"\xff\xd8" + frame(0xC0, *WHOLE),
        b"\xff\xd8" + frame(0xC0) + scan(1),
        b"\xff\xd8" + frame(0xC0, (0, 1)) + scan(1),
        b"\xff\xd8" + frame(0xC0, *WHOLE)[:8],
        b"\xff\xd8" + frame(0xC0, *WHOLE) + b"\xff\xd9" + scan(3),
    ],
)
def test_a_damaged_header_is_told(data):
    with pytest.raises((ValueError, IndexError, struct.error)):
        read_header(data)


def test_only_the_scans_of_the_first_picture_count():
    data = encoded(pictures.picture(), "JPEG", progressive=True)
    many = b"\xff\xda" * 1_000

    assert read_header(data + many) == read_header(data)
    with pytest.raises(ImageTooLargeError):
        read_header(data[:-2] + many + data[-2:])


@pytest.mark.parametrize("marker", [0xC4, 0xE1, 0xFE])
def test_what_stands_between_scans_neither_ends_the_picture_nor_counts(marker):
    data = encoded(pictures.picture(), "JPEG", progressive=True)
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    content = b"\xff\xd9" + b"\xff\xda" * 1_000
    between = bytes((0xFF, marker)) + (2 + len(content)).to_bytes(2, "big") + content
    held = data[:second] + between + data[second:]

    assert read_header(held) == read_header(data)
    with pytest.raises(ImageTooLargeError):
        read_header(held[:-2] + data[data.rindex(b"\xff\xda") : -2] * 100 + held[-2:])


def test_metadata_goes_and_what_the_colours_need_stays():
    exif = b"MM\0*" + b"\0" * 20
    data = jpeg_with(
        (0xE1, b"Exif\0\0" + exif),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        (0xE2, b"MPF\0"),
        (0xEE, b"Adobe\0\x64\0\0\0\0\0"),
        (0xEE, b"Other"),
        (0xFE, b"a comment"),
    )

    bare, found = without_metadata(data)

    assert found == exif
    assert b"JFIF" in bare
    assert b"Adobe" in bare
    for gone in (b"Exif", b"xap", b"MPF", b"Other", b"comment"):
        assert gone not in bare


def test_a_jpeg_without_a_single_pixel_is_damaged():
    data = encoded(pictures.picture(), "JPEG")
    scan_header = data.index(b"\xff\xda") + 14

    with pytest.raises(ValueError, match="has no pixels"):
        without_metadata(data[:scan_header])
