"""Photographs as answers."""

from __future__ import annotations

from flask import Response

from app.api.http.operation import Media
from app.imaging.formats import MEDIA_TYPES, recognise

#: Of what was stored before its format was known by name.
_UNKNOWN = "application/octet-stream"

#: How an operation that answers with a photograph describes its answer.
PHOTOGRAPH = Media((*MEDIA_TYPES.values(), _UNKNOWN), {"type": "string", "format": "binary"})


def answer_photograph(image: bytes) -> Response:
    """Answer with a stored photograph as it came."""
    found = recognise(image)
    kind = _UNKNOWN if found is None else MEDIA_TYPES[found]
    return Response(image, content_type=kind)
