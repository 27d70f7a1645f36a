"""The description of the API in the form of OpenAPI 3.1, made from what its operations declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.api.description.answers import answers_of, problem_answers, problem_statuses
from app.api.description.json_schemas import Schemas
from app.api.description.requests import UPLOAD_TEXT, body_of, parameters_of
from app.api.description.routes import routes

if TYPE_CHECKING:
    from flask import Flask

    from app.api.description.routes import Route

_INTRODUCTION = (
    "Asynchronous face recognition. Every submit answers 202 with a job. Read the job at its "
    'Location until it has ended, or let the service wait with "Prefer: wait=10" or "?wait=10". '
    "Every error is an application/problem+json document (RFC 9457) whose type can be opened."
)


def describe(app: Flask, *, version: str) -> dict[str, Any]:
    """Return the description of every declared operation that the application serves."""
    schemas = Schemas()
    found = list(routes(app))
    paths: dict[str, dict[str, Any]] = {}
    for route in found:
        paths.setdefault(route.path, {})[route.method] = _operation(route, schemas)
    statuses = {status for route in found for status in problem_statuses(route.operation)}
    tags = {route.operation.tag.name: route.operation.tag.description for route in found}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vultus",
            "version": version,
            "description": _INTRODUCTION,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in tags.items()],
        "paths": paths,
        "components": {
            "responses": problem_answers(statuses, schemas),
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The API key."},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    operation = route.operation
    needs = "No key is needed."
    if operation.scope is not None:
        needs = f"Needs a key of scope {operation.scope}."
    texts = (route.text, UPLOAD_TEXT if operation.upload else "", needs)
    return {
        "tags": [operation.tag.name],
        "summary": route.summary,
        "description": " ".join(text for text in texts if text),
        "operationId": route.id,
        "parameters": [*route.places, *parameters_of(operation, schemas)],
        **body_of(operation, schemas),
        "responses": answers_of(operation, schemas),
        "security": [{"bearer": []}, {"key": []}] if operation.scope is not None else [],
    }
