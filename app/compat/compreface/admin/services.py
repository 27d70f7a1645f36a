"""``/admin/app/{id}/model``: the services of an application, which CompreFace calls models too."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint

from app.compat.compreface.admin.applications import find_application, not_unique
from app.compat.compreface.admin.session import authenticate
from app.compat.compreface.documents import answer, json_object
from app.compat.compreface.errors import CompreFaceError, constraint
from app.compat.compreface.names import checked_name
from app.compat.compreface.usecases.applications import (
    NewService,
    clone_service,
    create_service,
    delete_service,
    get_service,
    rename_service,
    rotate_key,
    services_of,
)
from app.compat.compreface.usecases.calls import calls_by_day
from app.compat.compreface.usecases.examples import list_examples, subject_names
from app.domain.compreface import ServiceType
from app.domain.errors import ConflictError, NotFoundError
from app.domain.naming import as_uuid
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from app.domain.compreface import Service

routes = Blueprint("compreface_admin_services", __name__)
routes.before_request(authenticate)


@routes.get("/app/<app_id>/models")
def listing(app_id: str) -> Response:
    """List the services of an application, oldest first."""
    found = services_of(find_application(app_id).id, uow=current_container().uow)
    return answer([_document(service) for service in found])


@routes.get("/app/<app_id>/model/<model_id>")
def show(app_id: str, model_id: str) -> Response:
    """Show a service, with the number of its subjects and examples."""
    service = _find(app_id, model_id)
    counts = {}
    if service.collection_id is not None:
        uow = current_container().uow
        counts = {
            "subjectCount": len(subject_names(service, uow=uow)),
            "imageCount": list_examples(service, subject=None, offset=0, limit=1, uow=uow).total,
        }
    return answer({**_document(service), **counts})


@routes.post("/app/<app_id>/model")
def create(app_id: str) -> Response:
    """Make a service."""
    application = find_application(app_id)
    body = json_object()
    name = checked_name(body.get("name"), "Model")
    kind = str(body.get("type", "")).upper()
    if kind not in ServiceType.__members__:
        raise constraint("Model type cannot be empty")
    wanted = NewService(
        application=application.name,
        name=name,
        type=ServiceType[kind],
        model=current_container().settings.model,
    )
    try:
        made, key = create_service(
            wanted, uow=current_container().uow, clock=current_container().clock
        )
    except ConflictError:
        raise not_unique(name) from None
    return answer(_document(made, key), HTTPStatus.CREATED)


@routes.post("/app/<app_id>/model/<model_id>")
def clone(app_id: str, model_id: str) -> Response:
    """Copy a service with its people under another name."""
    service = _find(app_id, model_id)
    name = checked_name(json_object().get("name"), "Model")
    try:
        made, key = clone_service(
            service.id, name, uow=current_container().uow, clock=current_container().clock
        )
    except ConflictError:
        raise not_unique(name) from None
    return answer(_document(made, key), HTTPStatus.CREATED)


@routes.put("/app/<app_id>/model/<model_id>")
def rename(app_id: str, model_id: str) -> Response:
    """Give a service another name."""
    service = _find(app_id, model_id)
    name = checked_name(json_object().get("name"), "Model")
    if name == service.name:
        raise not_unique(name)
    try:
        renamed = rename_service(service.id, name, uow=current_container().uow)
    except ConflictError:
        raise not_unique(name) from None
    return answer(_document(renamed))


@routes.put("/app/<app_id>/model/<model_id>/apikey")
def new_key(app_id: str, model_id: str) -> Response:
    """Give a service another key."""
    return answer(_document(*rotate_key(_find(app_id, model_id).id, uow=current_container().uow)))


@routes.delete("/app/<app_id>/model/<model_id>")
def delete(app_id: str, model_id: str) -> Response:
    """Remove a service with all that it knows."""
    delete_service(
        _find(app_id, model_id).id,
        receipts=current_container().receipts,
        caller=current_caller(),
        uow=current_container().uow,
    )
    return answer({})


@routes.get("/app/<app_id>/model/<model_id>/statistics")
def statistics(app_id: str, model_id: str) -> Response:
    """Return the calls of each day, newest first."""
    days = calls_by_day(
        _find(app_id, model_id).id, uow=current_container().uow, clock=current_container().clock
    )
    return answer([{"requestCount": calls, "createdDate": day.isoformat()} for day, calls in days])


def _find(app_id: str, model_id: str) -> Service:
    application, wanted = find_application(app_id), as_uuid(model_id)
    missing = CompreFaceError(
        3, f"Model {model_id} does not belong to application {app_id}", HTTPStatus.NOT_FOUND
    )
    if wanted is None:
        raise missing
    try:
        service = get_service(wanted, uow=current_container().uow)
    except NotFoundError:
        raise missing from None
    if service.application_id != application.id:
        raise missing
    return service


def _document(service: Service, key: UUID | None = None) -> dict[str, Any]:
    """Describe a service; with its key only when it was just created: only its hash is stored."""
    document = {
        "id": str(service.id),
        "name": service.name,
        "type": service.type.name,
        "createdDate": service.created_at.isoformat(timespec="seconds"),
    }
    return document if key is None else {**document, "apiKey": str(key)}
