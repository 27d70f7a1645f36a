"""Photographs as answers."""

from __future__ import annotations

from flask import Response

from app.api.http.operation import Media
from app.imaging.formats import MEDIA_TYPES, recognise

#: How an operation that answers with a photograph describes its answer.
PHOTOGRAPH = Media(tuple(MEDIA_TYPES.values()), {"type": "string", "format": "binary"})


def answer_photograph(image: bytes) -> Response:
    """Answer with a stored photograph as it came."""
    found = recognise(image)
    kind = "application/octet-stream" if found is None else MEDIA_TYPES[found]
    return Response(image, content_type=kind)
