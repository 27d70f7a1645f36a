"""What an operation takes: parameters, and a body in each form that it comes in."""

from __future__ import annotations

import base64
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from app.api.description.json_schemas import example

if TYPE_CHECKING:
    from app.api.description.json_schemas import Schemas
    from app.api.http.operation import Operation
    from app.api.http.uploads import UploadReader

#: A drawing, in which the detector finds a face.
_FACE = base64.b64encode((files(__package__) / "static" / "face.webp").read_bytes()).decode()

_IMAGE = {"type": "string", "format": "binary"}
#: What an upload says of its parameters.
UPLOAD_TEXT = (
    "Images are JPEG, PNG, WebP, GIF, BMP, ICO, TIFF, HEIC or AVIF. Send each parameter once: in "
    "the URL, in the form or in the JSON document."
)


def parameters_of(operation: Operation, schemas: Schemas) -> list[dict[str, Any]]:
    """Describe the parameters of the URL and the headers."""
    again = () if operation.upload is None else operation.upload.parameters.model_fields
    return [
        *schemas.parameters(operation.query, place="query", without_defaults=frozenset(again)),
        *schemas.parameters(operation.headers, place="header"),
    ]


def body_of(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """Describe the body, with one example that runs as it stands; ``{}`` where there is none."""
    if operation.upload is not None:
        return {"requestBody": {"required": True, "content": _upload(operation.upload, schemas)}}
    if operation.body is None:
        return {}
    content = {"schema": schemas.refer(operation.body), "example": example(operation.body)}
    return {
        "requestBody": {
            "required": not operation.body_optional,
            "content": {"application/json": content},
        }
    }


def _upload(reader: UploadReader[Any], schemas: Schemas) -> dict[str, Any]:
    names = reader.slots or ("image",)
    document = {
        "schema": schemas.refer(reader.document),
        "example": dict.fromkeys(names, _FACE) | example(reader.parameters),
    }
    parts = (
        dict.fromkeys(names, _IMAGE)
        if reader.slots
        else {"image": {"type": "array", "items": _IMAGE, "minItems": 1}}
    )
    form = reader.document.__name__.removesuffix("Request") + "Form"
    content = {
        "application/json": document,
        "multipart/form-data": {"schema": schemas.form(form, reader.parameters, files=parts)},
    }
    if not reader.slots:
        raw = {"schema": _IMAGE}
        content |= {"image/*": raw, "application/octet-stream": raw}
    return content
