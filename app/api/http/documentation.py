"""How uploads look in the Swagger page, which can show one form of a request: the multipart one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.api.http.swagger import parameters

if TYPE_CHECKING:
    from app.api.schemas.base import Schema

_PREFER = {
    "in": "header",
    "type": "string",
    "description": "wait=10 answers 200 with the ended job if that takes at most ten seconds.",
}
_IDEMPOTENCY_KEY = {
    "in": "header",
    "type": "string",
    "description": "Repetitions with the same key return the first job and store nothing.",
}

SUBMIT_PARAMETERS = {"Prefer": _PREFER, "Idempotency-Key": _IDEMPOTENCY_KEY}


def upload_doc(form: type[Schema], *, slots: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the documentation of an operation that takes images."""
    files = {
        name: {"in": "formData", "type": "file", "required": True, "description": "An image."}
        for name in slots or ("image",)
    }
    raw = "" if slots else " as the raw body (image/* or application/octet-stream),"
    repeated = "" if slots else ' (parts named "image" may repeat)'
    members = " and ".join(f'"{name}"' for name in slots) or '"image", or a list in "images"'
    return {
        "consumes": ["multipart/form-data"],
        "params": SUBMIT_PARAMETERS | parameters(form, place="query") | files,
        "description": (
            f"Send images as multipart parts{repeated},{raw} or as base64 in JSON members "
            f"{members}: JPEG, PNG, WebP, GIF, BMP, ICO, TIFF, HEIC or AVIF. Parameters may stand "
            "in the URL, the form or the JSON."
        ),
    }
