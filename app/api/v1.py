"""The REST API, version 1."""

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
from app.api.http.problems import ProblemApi
from app.web.paths import refuse_shortened

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


def register(app: Flask) -> None:
    """Serve the API under /v1; its description is served by ``app.api.description``."""
    app.config["RESTX_ERROR_404_HELP"] = False
    blueprint = Blueprint("v1", __name__, url_prefix="/v1")
    blueprint.before_request(refuse_shortened)
    api = ProblemApi(doc=False)
    api.init_app(blueprint, add_specs=False)
    for namespace in _NAMESPACES:
        api.add_namespace(namespace)
    app.register_blueprint(blueprint)
