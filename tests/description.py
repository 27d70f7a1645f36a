"""The description of the API, by operation."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from app.api.description.text import description_text

DESCRIPTION = json.loads(description_text())
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, operations in DESCRIPTION["paths"].items()
    for method, operation in operations.items()
}


def resolved(node):
    """Follow a reference to its component."""
    while "$ref" in node:
        _, _, kind, name = node["$ref"].split("/")
        node = DESCRIPTION["components"][kind][name]
    return node


def validator(schema):
    """Check documents by a schema whose references are into the description."""
    return Draft202012Validator(
        {**schema, "components": DESCRIPTION["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
