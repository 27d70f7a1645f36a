"""The REST API, version 1, with its Swagger page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from app.api import (
    audit,
    collections,
    consents,
    deliveries,
    detections,
    embeddings,
    faces,
    jobs,
    keys,
    legal_holds,
    models,
    recognitions,
    reembeddings,
    subjects,
    trainings,
    verifications,
    webhooks,
)
from app.api.http.operation_ids import operation_id
from app.api.http.problems import MEDIA_TYPE, ProblemApi

if TYPE_CHECKING:
    from flask import Flask

_NAMESPACES = (
    collections.ns,
    subjects.ns,
    consents.ns,
    legal_holds.ns,
    faces.ns,
    recognitions.ns,
    trainings.ns,
    reembeddings.ns,
    detections.ns,
    embeddings.ns,
    verifications.ns,
    jobs.ns,
    webhooks.ns,
    deliveries.ns,
    models.ns,
    keys.ns,
    audit.ns,
)

_DESCRIPTION = """Asynchronous face recognition. Every submit answers 202 with a job; read it at its
Location until it has ended, or ask the service to wait with "Prefer: wait=10" or "?wait=10".
Every error is an application/problem+json document (RFC 9457) whose type can be opened."""


def register(app: Flask, *, version: str) -> None:
    """Serve the API under /v1, its page at /v1/docs and its description at /v1/swagger.json."""
    app.config["RESTX_ERROR_404_HELP"] = False
    app.config["RESTX_MASK_SWAGGER"] = False
    app.config["RESTX_INCLUDE_ALL_MODELS"] = True
    app.config["SWAGGER_UI_DOC_EXPANSION"] = "list"
    app.config["SWAGGER_UI_REQUEST_DURATION"] = True
    blueprint = Blueprint("v1", __name__, url_prefix="/v1")
    api = ProblemApi(
        blueprint,
        title="Vultus",
        version=version,
        description=_DESCRIPTION,
        doc="/docs",
        default_id=operation_id,
        authorizations={
            "bearer": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "Bearer, a space and the API key.",
            },
            "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        },
        security=["bearer", "key"],
    )
    # Named in the description beside the type of all other answers.
    api.representations[MEDIA_TYPE] = api.representations["application/json"]
    for namespace in _NAMESPACES:
        api.add_namespace(namespace)
    app.register_blueprint(blueprint)
