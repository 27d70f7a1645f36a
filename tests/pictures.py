"""Image files of every kind and oddity, each built with code, that all show the same picture."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()  # to save them

SIZE = (96, 64)
_ORIENTATION = 0x0112
#: EXIF orientation to the transposition by which a camera would have stored an upright picture.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def picture(size=SIZE):
    """A picture whose four quarters differ, so that any turn and any swap of colours shows."""
    width, height = size
    quarters = np.zeros((height, width, 3), np.uint8)
    quarters[: height // 2, : width // 2] = 200
    quarters[: height // 2, width // 2 :] = (200, 0, 0)
    quarters[height // 2 :, : width // 2] = (0, 200, 0)
    return Image.fromarray(quarters)


def encoded(image, kind, **options):
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def oriented(kind, orientation, **options):
    """A file that stores the picture turned, and says so."""
    image = picture()
    if orientation > 1:
        image = image.transpose(STORED[orientation])
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    return encoded(image, kind, exif=exif.tobytes(), **options)


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(samples, *, colour, depth=8, before=b"", behind=b"", end=True):
    """A PNG of the samples of an array, with chunks before and behind its pixels."""
    height, width = samples.shape[:2]
    kind = ">u2" if depth == 16 else "u1"
    rows = b"".join(b"\0" + row.astype(kind).tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + before
        + chunk(b"IDAT", zlib.compress(rows))
        + behind
        + (chunk(b"IEND", b"") if end else b"")
    )


def interlaced_png(samples):
    """A PNG in the seven passes of Adam7."""
    height, width = samples.shape[:2]
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
              (1, 0, 2, 1)]  # fmt: skip
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, across in passes
        for row in samples[top::down, left::across]
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def top_down_bmp():
    """A bitmap whose rows begin at the top, as its negative height says."""
    upside_down = picture().transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    data = bytearray(encoded(upside_down, "BMP"))
    data[22:26] = struct.pack("<i", -SIZE[1])
    return bytes(data)


def bmp_of_32_bits():
    """A bitmap with a header of version 4, masks, and alpha."""
    pixels = np.asarray(picture().convert("RGBA"))[::-1, :, [2, 1, 0, 3]].tobytes()
    header = struct.pack(
        "<IiiHHIIiiIIIIII", 108, *SIZE, 1, 32, 3, len(pixels), 2835, 2835, 0, 0,
        0xFF0000, 0xFF00, 0xFF, 0xFF000000,
    ) + b"\0" * 52  # fmt: skip
    return b"BM" + struct.pack("<IHHI", 14 + 108 + len(pixels), 0, 0, 122) + header + pixels


def os2_bmp():
    """A bitmap with the short header of OS/2."""
    pixels = np.asarray(picture())[::-1, :, ::-1].tobytes()
    header = struct.pack("<IHHHH", 12, *SIZE, 1, 24)
    return b"BM" + struct.pack("<IHHI", 26 + len(pixels), 0, 0, 26) + header + pixels


def jpeg_with(*segments, **options):
    """A JPEG with segments of metadata, as (marker, content)."""
    data = encoded(picture(), "JPEG", quality=95, **options)
    extra = b"".join(
        bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content
        for marker, content in segments
    )
    return data[:2] + extra + data[2:]


def tiff(samples, *, bits, photometric=1, sample_format=1, packed=None, order="<"):
    """A TIFF of one strip without compression; ``packed`` replaces the bytes of the samples."""
    height, width = samples.shape[:2]
    count = 1 if samples.ndim == 2 else samples.shape[2]
    pixels = samples.tobytes() if packed is None else packed
    first = 8 + 2 + 12 * 10 + 4
    each = struct.pack(f"{order}{count}H", *[bits] * count)
    formats = struct.pack(f"{order}{count}H", *[sample_format] * count)
    behind = each + formats if count > 1 else b""
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, count, bits if count == 1 else first),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, first + len(behind)),
        (277, 3, 1, count),
        (278, 4, 1, height),
        (279, 4, 1, len(pixels)),
        (339, 3, count, sample_format if count == 1 else first + len(each)),
    ]
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(f"{order}HIH", 42, 8, len(tags))
    return head + b"".join(_tag(order, *tag) for tag in tags) + b"\0" * 4 + behind + pixels


def _tag(order, number, kind, count, value):
    """An entry of a directory: a short value stands at the beginning of its place."""
    place = "HH" if kind == 3 and count == 1 else "I"
    values = (value, 0) if place == "HH" else (value,)
    return struct.pack(f"{order}HHI{place}", number, kind, count, *values)


def twelve_bits_packed(values):
    """Pairs of samples of twelve bits in three bytes."""
    first, second = values.reshape(-1, 2).T.astype(np.uint16)
    triples = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1)
    return triples.astype(np.uint8).tobytes()


def _frames(kind, **options):
    return encoded(picture(), kind, save_all=True, append_images=[picture().rotate(180)], **options)


def _grey(bits=8):
    values = np.asarray(picture().convert("L")).astype(np.uint32)
    return (values << bits >> 8).astype(np.uint16)


def _colours(bits):
    return (np.asarray(picture()).astype(np.uint32) << bits >> 8).astype(np.uint16)


def _with_alpha(samples, opaque):
    alpha = np.full(samples.shape[:2], opaque, samples.dtype)
    return np.dstack([samples, alpha])


def _palette(**options):
    return picture().convert("P", palette=Image.Palette.ADAPTIVE, **options)


def _icon(*sizes, **options):
    return encoded(picture((128, 128)), "ICO", sizes=sizes, **options)


def formats():
    """One plain file of each format."""
    shown = picture()
    return {
        "JPEG": encoded(shown, "JPEG", quality=95),
        "PNG": encoded(shown, "PNG"),
        "WEBP": encoded(shown, "WEBP", lossless=True),
        "GIF": encoded(shown, "GIF"),
        "BMP": encoded(shown, "BMP"),
        "ICO": _icon((128, 128)),
        "TIFF": encoded(shown, "TIFF"),
        "HEIF": encoded(shown, "HEIF", quality=95),
        "AVIF": encoded(shown, "AVIF", quality=95),
    }


def colours():
    """Files that show the picture in colours, however they store it."""
    shown = picture()
    return {
        **formats(),
        "progressive JPEG": encoded(shown, "JPEG", quality=95, progressive=True),
        "JPEG with restart markers": encoded(shown, "JPEG", quality=95, restart_marker_blocks=2),
        "JPEG of 4:4:4": encoded(shown, "JPEG", quality=95, subsampling=0),
        "JPEG in CMYK": encoded(shown.convert("CMYK"), "JPEG", quality=95),
        "JPEG in RGB": encoded(shown, "JPEG", quality=95, keep_rgb=True),
        "MPO": _frames("MPO", quality=95),
        "interlaced PNG": interlaced_png(np.asarray(shown)),
        "PNG with a palette": encoded(_palette(), "PNG"),
        "PNG with a palette of 4 bits": encoded(_palette(colors=8), "PNG", bits=4),
        "PNG with alpha": encoded(shown.convert("RGBA"), "PNG"),
        "PNG of 16 bits": png(_colours(16), colour=2, depth=16),
        "PNG of 12 in 16 bits": png(_colours(12), colour=2, depth=16),
        "PNG of 10 in 16 bits": png(_colours(10), colour=2, depth=16),
        "PNG of 12 in 16 bits with alpha": png(_with_alpha(_colours(12), 4095), colour=6, depth=16),
        "PNG of 12 in 16 bits with alpha of 16": png(
            _with_alpha(_colours(12), 65535), colour=6, depth=16
        ),
        "WebP with loss": encoded(shown, "WEBP", quality=95),
        "WebP with alpha": encoded(shown.convert("RGBA"), "WEBP", quality=95),
        "BMP from the top": top_down_bmp(),
        "BMP of 32 bits": bmp_of_32_bits(),
        "BMP of OS/2": os2_bmp(),
        "BMP with a palette": encoded(_palette(), "BMP"),
        "icon in several sizes": _icon((16, 16), (48, 48), (128, 128)),
        "icon of bitmaps": _icon((48, 48), (128, 128), bitmap_format="bmp"),
        "TIFF of LZW": encoded(shown, "TIFF", compression="tiff_lzw"),
        "TIFF of deflate": encoded(shown, "TIFF", compression="tiff_adobe_deflate"),
        "TIFF of PackBits": encoded(shown, "TIFF", compression="packbits"),
        "TIFF of JPEG": encoded(shown, "TIFF", compression="jpeg", quality=95),
        "TIFF in CMYK": encoded(shown.convert("CMYK"), "TIFF"),
        "TIFF with alpha": encoded(shown.convert("RGBA"), "TIFF"),
        "TIFF with a palette": encoded(_palette(), "TIFF"),
        "BigTIFF": encoded(shown, "TIFF", big_tiff=True),
        "TIFF of 16 bits": tiff(_colours(16), bits=16, photometric=2),
        "TIFF of 12 in 16 bits": tiff(_colours(12), bits=16, photometric=2),
        "TIFF of 12 in 16 bits from the other end": tiff(
            _colours(12).astype(">u2"), bits=16, photometric=2, order=">"
        ),
        "HEIC with alpha": encoded(shown.convert("RGBA"), "HEIF", quality=95),
        "HEIC with a thumbnail": encoded(shown, "HEIF", quality=95, thumbnails=[48]),
        "AVIF with alpha": encoded(shown.convert("RGBA"), "AVIF", quality=95),
        "AVIF of 4:0:0 range": encoded(shown, "AVIF", quality=95, range="limited"),
    }


def greys():
    """Files that show the picture in grey."""
    grey = picture().convert("L")
    unit = np.asarray(grey, np.float32) / 255
    return {
        "JPEG": encoded(grey, "JPEG", quality=95),
        "PNG": encoded(grey, "PNG"),
        "PNG with alpha": encoded(grey.convert("LA"), "PNG"),
        "PNG of 16 bits": png(_grey(16), colour=0, depth=16),
        "PNG of 12 in 16 bits": png(_grey(12), colour=0, depth=16),
        "PNG of 10 in 16 bits": png(_grey(10), colour=0, depth=16),
        "PNG of 14 in 16 bits": png(_grey(14), colour=0, depth=16),
        "PNG of 8 in 16 bits": png(_grey(8), colour=0, depth=16),
        "PNG of 12 in 16 bits with alpha": png(
            np.dstack([_grey(12), np.full(SIZE[::-1], 4095, np.uint16)]), colour=4, depth=16
        ),
        "TIFF of 16 bits": tiff(_grey(16), bits=16),
        "TIFF of 12 in 16 bits": tiff(_grey(12), bits=16),
        "TIFF of 12 in 16 bits from the other end": tiff(
            _grey(12).astype(">u2"), bits=16, order=">"
        ),
        "TIFF of 12 bits": tiff(_grey(12), bits=12, packed=twelve_bits_packed(_grey(12))),
        "TIFF of 16 bits with signs": tiff(_grey(15).astype(np.int16), bits=16, sample_format=2),
        "TIFF of 32 bits": tiff(_grey(16).astype(np.uint32), bits=32),
        "TIFF of floats to 1": tiff(unit, bits=32, sample_format=3),
        "TIFF of floats to 255": tiff(unit * 255, bits=32, sample_format=3),
        "TIFF of floats to 65535": tiff(unit * 65535, bits=32, sample_format=3),
        "TIFF of floats, some of them none": tiff(
            np.where(np.arange(SIZE[0]) == 50, np.nan, unit).astype(np.float32),
            bits=32, sample_format=3,
        ),
        "TIFF with white for 0": tiff(
            255 - np.asarray(grey), bits=8, photometric=0
        ),
        "TIFF of 16 bits with white for 0": tiff(
            (65535 - _grey(16)).astype(np.uint16), bits=16, photometric=0
        ),
        "HEIC": encoded(grey, "HEIF", quality=95),
        "WebP": encoded(grey, "WEBP", lossless=True),
        "GIF": encoded(grey, "GIF"),
        "BMP": encoded(grey, "BMP"),
        "AVIF": encoded(grey, "AVIF", quality=95),
    }  # fmt: skip


def beside_the_pixels():
    """Whole pictures with much, or with nonsense, before, between and behind their pixels."""
    shown = picture()
    jpeg = encoded(shown, "JPEG", quality=95)
    scans = b"\xff\xda" * 200
    video = b"\0\0\0\x18ftypmp42" + (scans + b"\xff\xd8\xff\xe0film") * 2_000
    long_text = zlib.compress(b"a" * 2_000_000)
    samples = np.asarray(shown)
    thumbnail = encoded(shown, "JPEG", progressive=True)
    return {
        "JPEG with 8 MB of video behind it": jpeg + video + b"\0" * 8_000_000,
        "progressive JPEG with video behind it": encoded(
            shown, "JPEG", quality=95, progressive=True
        )
        + video,
        "JPEG with thumbnails of many scans": jpeg_with(
            *[(0xE2, b"MPF\0" + thumbnail + scans)] * 20
        ),
        "progressive JPEG with thumbnails of many scans": jpeg_with(
            *[(0xE2, thumbnail + scans)] * 20, progressive=True
        ),
        "JPEG with a torn list of further pictures": jpeg_with(
            (0xE2, b"MPF\0II*\0\xff\xff\xff\xff")
        ),
        "JPEG with torn Exif data": jpeg_with((0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff")),
        "JPEG with a torn colour profile": jpeg_with(
            (0xE2, b"ICC_PROFILE\0\2\3" + b"x" * 99), (0xE2, b"ICC_PROFILE\0\0\0")
        ),
        "JPEG with 4 MB of extended XMP": jpeg_with(
            *[(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"x" * 60_000)] * 66
        ),
        "JPEG with Photoshop's data, torn": jpeg_with((0xED, b"Photoshop 3.0\08BIM\4\4\0\0")),
        "JPEG with comments": jpeg_with(*[(0xFE, b"c" * 1_000)] * 500),
        "JPEG with fill bytes": jpeg[:2] + b"\xff" * 100 + jpeg[2:],
        "JPEG with an archive behind it": jpeg + b"PK\x03\x04" + b"\0" * 1_000,
        "PNG with 2 MB of compressed text": png(
            samples, colour=2, before=chunk(b"zTXt", b"k\0\0" + long_text)
        ),
        "PNG with 2 MB of international text": png(
            samples, colour=2, before=chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + long_text)
        ),
        "PNG with a colour profile of 2 MB": png(
            samples, colour=2, before=chunk(b"iCCP", b"k\0\0" + long_text)
        ),
        "PNG with a torn colour profile": png(samples, colour=2, before=chunk(b"iCCP", b"no")),
        "PNG with text whose checksum is wrong": png(
            samples, colour=2, before=chunk(b"tEXt", b"k\0v")[:-1] + b"?"
        ),
        "PNG with chunks of nonsense": png(
            samples,
            colour=2,
            before=chunk(b"pHYs", b"") + chunk(b"gAMA", b"x") + chunk(b"sRGB", b""),
        ),
        "PNG with a torn animation": png(samples, colour=2, before=chunk(b"fcTL", b"")),
        "PNG without an end": png(samples, colour=2, end=False),
        "PNG with 4 MB behind it": png(samples, colour=2) + b"x" * 4_000_000,
        "PNG with torn Exif data": png(samples, colour=2, behind=chunk(b"eXIf", b"MM\0*\xff")),
        "WebP with torn Exif data": encoded(shown, "WEBP", lossless=True, exif=b"MM\0*\xff\xff"),
        "WebP with a torn colour profile": encoded(
            shown, "WEBP", lossless=True, icc_profile=b"no profile"
        ),
        "WebP with 2 MB behind it": encoded(shown, "WEBP", lossless=True) + b"x" * 2_000_000,
        "GIF with a long comment": encoded(shown, "GIF", comment=b"c" * 60_000),
        "GIF without an end": encoded(shown, "GIF")[:-1],
        "GIF with 2 MB behind it": encoded(shown, "GIF") + b"x" * 2_000_000,
        "BMP with 2 MB behind it": encoded(shown, "BMP") + b"x" * 2_000_000,
        "TIFF with a torn colour profile": encoded(shown, "TIFF", icc_profile=b"no profile"),
        "TIFF with 2 MB behind it": encoded(shown, "TIFF") + b"x" * 2_000_000,
        "HEIC with 2 MB behind it": encoded(shown, "HEIF", quality=95) + b"x" * 2_000_000,
        "HEIC with torn Exif data": encoded(shown, "HEIF", quality=95, exif=b"Exif\0\0MM\0*\xff"),
        "AVIF with 2 MB behind it": encoded(shown, "AVIF", quality=95) + b"x" * 2_000_000,
        "icon with 2 MB behind it": formats()["ICO"] + b"x" * 2_000_000,
    }


def several_frames():
    """Files of several pictures, the first of which is the one."""
    return {
        "GIF": _frames("GIF"),
        "PNG": _frames("PNG"),
        "WEBP": _frames("WEBP", lossless=True),
        "TIFF": _frames("TIFF"),
        "AVIF": _frames("AVIF", quality=95),
        "HEIF": _frames("HEIF", quality=95),
    }


def cut_in_the_pixels():
    """Files that end in the lower half of their pixels, of formats that are read row by row."""
    noise = np.random.default_rng(0).integers(0, 2, (SIZE[1] // 2, SIZE[0], 3), np.uint8)
    shown = np.asarray(picture()).copy()
    shown[SIZE[1] // 2 :] += noise  # so that half of the bytes are below
    image = Image.fromarray(shown)
    wholes = {
        "JPEG": encoded(image, "JPEG", quality=98),
        "PNG": encoded(image, "PNG"),
        "BMP": top_down_bmp(),
        "GIF": encoded(image, "GIF"),
        "TIFF": encoded(image, "TIFF"),
    }
    return {name: data[: int(len(data) * 0.85)] for name, data in wholes.items()}
