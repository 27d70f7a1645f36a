"""The segments of a JPEG (ITU-T T.81, annex B), read without its pixels."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.errors import ImageTooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

START = b"\xff\xd8"
END = b"\xff\xd9"
_START_OF_SCAN = 0xDA
_COMMENT = 0xFE
_APPLICATION = range(0xE0, 0xF0)
#: Those that tell how to read the colours: JFIF's and Adobe's.
_OF_COLOURS = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}
_EXIF = 0xE1, b"Exif\0\0"
#: Start of a frame, of any kind of coding; C4, C8 and CC are something else.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
#: Frames whose coefficients a decoder has to keep until the last scan; it does so too where the
#: first scan does not hold all components.
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
#: Markers without a length.
_BARE = {0x01, *range(0xD0, 0xD9)}

#: Cameras write a few dozen; extended XMP of many megabytes, some hundred.
_MOST_SEGMENTS = 2_000
#: Each scan of a progressive JPEG goes over all pixels again. Encoders write about ten.
_MOST_SCANS = 100
#: Where they are looked for, from the first on: what is beyond is left to the decoder's own limits.
_WINDOW = 2 * 2**20
_COEFFICIENT_BYTES = 2
_FILL = re.compile(rb"\xff{1,256}")
#: What ends the pixels of a scan: inside them, FF is followed by 00 or a restart.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FRAME = struct.Struct(">BHHB")


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What a JPEG says of itself before its pixels."""

    width: int
    height: int
    #: Memory for the coefficients of all pixels; 0 where one scan is decoded row by row.
    coefficient_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    width: int
    height: int
    components: int
    is_progressive: bool
    coefficient_bytes: int


@dataclass(frozen=True, slots=True)
class _Segment:
    marker: int
    #: Where its first FF, its content, and what follows it are.
    begin: int
    content: int
    end: int


def read_header(data: bytes) -> JpegHeader:
    """Read the headers of the frame and of the first scan.

    Raises: ValueError, IndexError, struct.error: damaged. ImageTooLargeError: more metadata or
        scans than any photograph has.
    """
    frame: _Frame | None = None
    for segment in _segments(data):
        if segment.marker in _FRAMES and frame is None:
            frame = _read_frame(data, segment)
        if segment.marker == _START_OF_SCAN and frame is not None:
            is_kept = frame.is_progressive or data[segment.content] < frame.components
            if is_kept:
                _check_scans(data, segment.end)
            return JpegHeader(frame.width, frame.height, is_kept * frame.coefficient_bytes)
    raise ValueError("The JPEG has no frame or no scan.")


def _check_scans(data: bytes, start: int) -> None:
    """Count the scans of the first picture: what is behind its end is none of its own."""
    scans, position, end = 1, start, start + _WINDOW
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, position, end)
        if found is None or found[0] == END:
            return
        marker, position = found[0][1], found.end()
        scans += marker == _START_OF_SCAN
        if scans > _MOST_SCANS:
            break
        if marker != _START_OF_SCAN and marker not in _BARE:  # tables, comments: of any content
            position += int.from_bytes(data[position : position + 2], "big")
    raise ImageTooLargeError(
        f"The JPEG has more than {_MOST_SCANS} scans. Save it again as a plain JPEG."
    )


def without_metadata(data: bytes) -> tuple[bytes, bytes]:
    """Return a JPEG without its metadata, and what was in its Exif segment.

    Thumbnails, colour profiles and previews go; how colours are coded stays.
    Raises: ValueError: there are no pixels. ImageTooLargeError: as ``read_header``.
    """
    kept = [START]
    exif = b""
    for segment in _segments(data):
        content = data[segment.content : segment.end]
        if segment.marker == _START_OF_SCAN and segment.end < len(data):
            kept.append(data[segment.begin :])
            return b"".join(kept), exif
        if segment.marker == _EXIF[0] and content.startswith(_EXIF[1]):
            exif = exif or content.removeprefix(_EXIF[1])
        if _is_needed(segment.marker, content):
            kept.append(data[segment.begin : segment.end])
    raise ValueError("The JPEG has no pixels.")


def _is_needed(marker: int, content: bytes) -> bool:
    if marker in _OF_COLOURS:
        return content.startswith(_OF_COLOURS[marker])
    return marker not in _APPLICATION and marker != _COMMENT


def _segments(data: bytes) -> Iterator[_Segment]:
    """Yield the segments up to the first scan's header, that one included."""
    position = len(START)
    for _ in range(_MOST_SEGMENTS):
        begin = data.find(b"\xff", position)  # decoders skip what is between segments
        fill = _FILL.match(data, begin) if begin >= 0 else None
        if fill is None or fill.end() >= len(data):
            return
        marker, content = data[fill.end()], fill.end() + 1
        if marker in {0x00, 0xFF} or marker in _BARE:
            position = content
            continue
        if marker == END[1]:
            return
        length = int.from_bytes(data[content : content + 2], "big")
        position = content + max(length, 2)
        yield _Segment(marker, fill.end() - 1, content + 2, position)
        if marker == _START_OF_SCAN:
            return
    raise ImageTooLargeError(
        f"The JPEG has more than {_MOST_SEGMENTS:,} segments of metadata. Save it without them."
    )


def _read_frame(data: bytes, segment: _Segment) -> _Frame:
    _, height, width, count = _FRAME.unpack_from(data, segment.content)
    first = segment.content + _FRAME.size
    samplings = [divmod(data[first + 3 * n + 1], 16) for n in range(count)]
    if not samplings or not all(across and down for across, down in samplings):
        raise ValueError("A frame has no samples.")
    most = max(across for across, _ in samplings) * max(down for _, down in samplings)
    samples = width * height * sum(across * down for across, down in samplings) // most
    return _Frame(
        width=width,
        height=height,
        components=count,
        is_progressive=segment.marker in _PROGRESSIVE,
        coefficient_bytes=_COEFFICIENT_BYTES * samples,
    )
