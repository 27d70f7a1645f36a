"""Images in requests: multipart files or base64 in JSON."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from flask import request

from app.compat.compreface.documents import json_object
from app.compat.compreface.errors import CompreFaceError, empty_field, missing_part, undefined
from app.imaging.base64_text import decode_base64
from app.imaging.inspect import ImageLimits, inspect_image
from app.web.context import current_container

if TYPE_CHECKING:
    from collections.abc import Mapping

#: CompreFace's own, and those of telephones.
_EXTENSIONS = {
    "tif", "tiff", "jpg", "jpeg", "png", "bmp", "ico", "gif", "webp", "heic", "heif", "avif",
}  # fmt: skip
_ALPHABET = re.compile(r"[A-Za-z0-9+/=_\s-]*")
#: The Java fields behind the members of a JSON body, as its errors name them.
_FIELDS = {
    "file": "content",
    "source_image": "sourceImageBase64",
    "target_image": "targetImageBase64",
}


def read_images(*names: str) -> list[bytes]:
    """Return the named images of the present request, each with a header that was found right.

    Raises: CompreFaceError. ImageError: one is no image that can be used.
    """
    if request.is_json:
        document = json_object()
        images = [_decoded(document, name) for name in names]
    elif request.mimetype == "multipart/form-data":
        images = [_part(name) for name in names]
    else:
        raise undefined()
    settings = current_container().settings
    limits = ImageLimits(max_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)
    for image in images:
        inspect_image(image, limits=limits)
    return images


def _part(name: str) -> bytes:
    part = request.files.get(name)
    if part is None:
        raise missing_part(name)
    stated = part.filename or ""
    if PurePosixPath(stated).suffix.lower().removeprefix(".") not in _EXTENSIONS:
        raise CompreFaceError(21, f"File [{stated}] has an unavailable extension")
    data: bytes = part.read()
    return data


def _decoded(document: Mapping[str, Any], name: str) -> bytes:
    text: object = document.get(name)
    if text is None or text == "":
        raise empty_field(_FIELDS[name])
    if not isinstance(text, str):
        raise undefined()
    try:
        return decode_base64(text)
    except ValueError:
        if _ALPHABET.fullmatch(text):
            raise undefined() from None
        raise CompreFaceError(21, "Provided value is not Base64") from None
