"""Photographs as answers."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.api.http.problems import MEDIA_TYPE
from app.imaging.formats import MEDIA_TYPES, recognise

#: How an operation that answers with a photograph describes itself.
PHOTOGRAPH: dict[str, Any] = {"produces": [*MEDIA_TYPES.values(), MEDIA_TYPE]}


def answer_photograph(image: bytes) -> Response:
    """Answer with a stored photograph as it came."""
    found = recognise(image)
    kind = "application/octet-stream" if found is None else MEDIA_TYPES[found]
    return Response(image, content_type=kind)
