"""What the installation says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from app.compat.compreface.context import authenticate
from app.compat.compreface.documents import answer
from app.compat.compreface.errors import CompreFaceError
from app.compat.compreface.usecases.applications import models_of_services
from app.domain.compreface import ServiceType
from app.domain.tenant import DEFAULT_TENANT_ID
from app.web.context import current_container

if TYPE_CHECKING:
    from app.bootstrap import Container

routes = Blueprint("compreface_status", __name__)


@routes.get("/config")
def config() -> Response:
    """Return the limits of uploads."""
    settings = current_container().settings
    return answer(
        {
            "clientMaxFileSize": settings.max_upload_bytes,
            "clientMaxBodySize": settings.max_request_bytes,
        }
    )


@routes.get("/consistence/status")
def consistence() -> Response:
    """Say whether every example was embedded by the model that runs.

    A caller without a key sees the first tenant.
    """
    return answer(
        {
            "demoFaceCollectionIsInconsistent": False,
            "dbIsInconsistent": not _is_consistent(
                current_container().acting_for(DEFAULT_TENANT_ID)
            ),
            "saveImagesToDB": True,
            "status": "OK",
        }
    )


@routes.post("/migrate")
def migrate() -> Response:
    """Start nothing where nothing is to be done, and say so where something would be."""
    authenticate(ServiceType.RECOGNITION)
    if not _is_consistent(current_container()):
        raise CompreFaceError(
            0,
            "Some services have another model. Change it with "
            "POST /v1/collections/{collection}/reembeddings.",
        )
    return Response("Migration started", content_type="text/plain; charset=utf-8")


def _is_consistent(container: Container) -> bool:
    return models_of_services(uow=container.uow) <= {container.settings.model}
