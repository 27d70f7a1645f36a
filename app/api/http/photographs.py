"""Photographs as answers."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.api.http.problems import MEDIA_TYPE
from app.imaging.inspect import ImageLimits, inspect_image

#: How an operation that answers with a photograph describes itself.
PHOTOGRAPH: dict[str, Any] = {"produces": ["image/jpeg", "image/png", "image/webp", MEDIA_TYPE]}

#: A stored photograph was judged when it came; the limits may have been lowered since.
_ANY_SIZE = ImageLimits(max_bytes=2**40, max_pixels=2**40, min_side=1, max_side=2**31)


def answer_photograph(image: bytes) -> Response:
    """Answer with a stored photograph as it came."""
    kind = inspect_image(image, limits=_ANY_SIZE).format.lower()
    return Response(image, content_type=f"image/{kind}")
