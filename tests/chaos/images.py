"""Uploads that are meant to break something: exotic, damaged, disguised, and bombs."""

from __future__ import annotations

import io
import random
import struct
import zlib
from itertools import cycle

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()  # to write them

#: Whatever Pillow can write here; the formats of the first line are accepted.
KINDS = (
    "JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "ICO", "AVIF", "HEIF", "MPO",
    "PPM", "TGA", "PCX", "SGI", "DDS", "JPEG2000", "ICNS", "QOI", "XBM",
)  # fmt: skip
_MODES = {"PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), "JPEG": ("L", "RGB", "CMYK")}


def encoded(image, kind, **options):
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def malformed(photograph, seed):
    """Yield images without end: every kind, mode and orientation, whole and damaged.

    ``photograph`` is an open image; the same seed gives the same images.
    """
    chance = random.Random(seed)
    wholes = [*_kinds(photograph), *_modes(photograph), *_oddities(photograph)]
    damages = (_whole, _cut, _flipped, _overwritten, _doubled, _disguised)
    for damage in cycle(damages):
        for data in chance.sample(wholes, len(wholes)):
            yield damage(data, chance)


def _kinds(photograph):
    for kind in KINDS:
        image = photograph.convert("1") if kind == "XBM" else photograph
        yield encoded(image, kind)


def _modes(photograph):
    for kind, modes in _MODES.items():
        for mode in modes:
            image = photograph.convert("L") if mode == "I;16" else photograph
            yield encoded(image.convert(mode), kind)
    for orientation in range(10):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield encoded(photograph, "JPEG", exif=exif)
    yield encoded(photograph, "JPEG", progressive=True)
    yield encoded(photograph, "PNG", icc_profile=b"no profile at all")


def _oddities(photograph):
    extra = [photograph.rotate(90)]
    for kind in ("GIF", "WEBP", "PNG", "MPO"):
        yield encoded(photograph, kind, save_all=True, append_images=extra)
    yield b""
    yield b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    yield b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"
    jpeg = encoded(photograph, "JPEG")
    yield jpeg + b"PK\x03\x04 an archive behind the picture"
    yield b"GIF89a" + jpeg
    yield jpeg[:2] + b"\xff\xfe\x00\x2a<html><script>alert(1)</script></html>    " + jpeg[2:]


def _whole(data, _):
    return data


def _cut(data, chance):
    return data[: chance.randrange(len(data) + 1)]


def _flipped(data, chance):
    changed = bytearray(data)
    for _ in range(1 + len(changed) // 2000):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _overwritten(data, chance):
    start = chance.randrange(len(data) + 1)
    return data[:start] + chance.randbytes(chance.randrange(1, 64)) + data[start + 64 :]


def _doubled(data, chance):
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start // 2 :]


def _disguised(data, _):
    """Put the first bytes of a JPEG before what is none."""
    return b"\xff\xd8\xff\xe0" + data[4:]


def png(width, height, *, depth=8, colour=2, pixels=b"", before=b""):
    """A PNG with the size that the caller says, whatever its pixels are."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + before
        + _chunk(b"IDAT", pixels or zlib.compress(b"\0" * 1000))
        + _chunk(b"IEND", b"")
    )


def _chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def bombs():
    """Yield ``(name, image)``: small files that cost a careless reader gigabytes or minutes."""
    full = zlib.compress(b"\0" * ((13_300 // 8 + 2) * 13_300), 9)
    yield "PNG of 177 million pixels", png(13_300, 13_300, depth=1, colour=0, pixels=full)
    for width, height in [
        (178_956_969, 1), (1, 178_956_969), (65_535, 65_535), (30_000, 30_000), (12_001, 30),
        (2**31 - 1, 2**31 - 1), (10_000, 5_001), (100_000, 300), (19, 19), (1, 1),
    ]:  # fmt: skip
        yield f"PNG of {width} x {height}", png(width, height)
    yield "WebP of 30 million pixels", encoded(Image.new("L", (6_000, 5_000)), "WEBP")
    plain = encoded(Image.new("RGB", (4900, 4900)), "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    for scans in (200, 1_000, 10_000):
        yield f"JPEG of {scans} scans", plain[:last] + plain[last:-2] * scans + plain[-2:]
    small = encoded(Image.new("L", (16, 16)), "JPEG")
    for name, segment in [("small segments", b"\xff\xe1\0\x14Exif\0\0" + b"x" * 12),
                          ("comments", b"\xff\xfe\0\2")]:  # fmt: skip
        many = segment * (2_500_000 // len(segment))
        yield f"JPEG of 2.5 MB of {name}", small[:2] + many + small[2:]
    yield "GIF of 65,535 x 65,535", b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\0\0\0"
    yield "TIFF that refers to itself", b"II*\0\x08\0\0\0" + b"\x01\0" + b"\0" * 12 + b"\x08\0\0\0"
    yield "compressed body", zlib.compress(encoded(Image.new("RGB", (500, 500)), "PNG"), 9)
    yield "JPEG of 65,500 x 65,500", _resized_jpeg(65_500)
    yield "progressive JPEG of 20,000 x 20,000", _resized_jpeg(20_000, progressive=True)


#: The one of the costly files whose cost to a careless reader is measured.
PROFILES = "PNG of 6,000 colour profiles"


def costly():
    """Yield ``(name, image)``: files that are accepted, and cost a careless reader as much."""
    endless = zlib.compress(b"a" * 80_000_000, 9)
    for name, keyword in [(b"zTXt", b"k\0\0"), (b"iCCP", b"k\0\0"), (b"iTXt", b"k\0\1\0\0\0")]:
        text = _chunk(name, keyword + endless)
        yield f"PNG with an endless {name.decode()}", png(3_000, 1_000, before=text)
    profile = _chunk(b"iCCP", b"k\0\0" + zlib.compress(b"a" * 60_000))
    yield PROFILES, png(3_000, 1_000, before=profile * 6_000)
    for kind, options in (
        ("GIF", {}),
        ("WEBP", {}),
        ("PNG", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ):
        frames = [Image.new("RGB", (500, 500), (2 * n, 0, 0)) for n in range(100)]
        yield (
            f"{kind} of 100 frames",
            encoded(frames[0], kind, save_all=True, append_images=frames, **options),
        )
    yield "JPEG of 20,000 x 20,000 without its pixels", _resized_jpeg(20_000)
    yield "PNG of 7,000 x 7,000 without its pixels", png(7_000, 7_000)
    large = Image.new("L", (8_000, 6_000))
    for kind in ("JPEG", "PNG", "GIF"):
        yield f"{kind} of 48 million pixels", encoded(large, kind)


def _resized_jpeg(side, **options):
    """A small JPEG whose header claims another size."""
    data = encoded(Image.new("L", (16, 16)), "JPEG", **options)
    size = data.index(b"\xff\xc2" if options else b"\xff\xc0") + 5
    return data[:size] + struct.pack(">HH", side, side) + data[size + 4 :]
