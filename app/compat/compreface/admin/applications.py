"""``/admin/apps`` and ``/admin/app``: applications."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint

from app.compat.compreface.admin.session import administrator, authenticate
from app.compat.compreface.documents import answer, json_object
from app.compat.compreface.errors import CompreFaceError
from app.compat.compreface.names import checked_name
from app.compat.compreface.usecases.applications import (
    create_application,
    delete_application,
    get_application,
    list_services,
    rename_application,
)
from app.domain.errors import ConflictError, NotFoundError
from app.domain.naming import as_uuid
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from flask import Response

    from app.domain.compreface import Application

routes = Blueprint("compreface_admin_applications", __name__)
routes.before_request(authenticate)


@routes.get("/apps")
def listing() -> Response:
    """List all applications, oldest first."""
    return answer([_document(one) for one, _ in list_services(uow=current_container().uow)])


@routes.get("/app/<app_id>")
def show(app_id: str) -> Response:
    """Show an application."""
    return answer(_document(find_application(app_id)))


@routes.post("/app")
def create() -> Response:
    """Make an application."""
    name = checked_name(json_object().get("name"), "Application")
    try:
        made = create_application(
            name,
            tenant_id=administrator().tenant_id,
            uow=current_container().uow,
            clock=current_container().clock,
        )
    except ConflictError:
        raise not_unique(name) from None
    return answer(_document(made), HTTPStatus.CREATED)


@routes.put("/app/<app_id>")
def rename(app_id: str) -> Response:
    """Give an application another name."""
    application = find_application(app_id)
    name = checked_name(json_object().get("name"), "Application")
    try:
        if name == application.name:
            raise not_unique(name)
        renamed = rename_application(application.id, name, uow=current_container().uow)
    except ConflictError:
        raise not_unique(name) from None
    except NotFoundError:
        raise _not_found(app_id) from None
    return answer(_document(renamed))


@routes.delete("/app/<app_id>")
def delete(app_id: str) -> Response:
    """Remove an application with all that its services know."""
    try:
        delete_application(
            find_application(app_id).id,
            receipts=current_container().receipts,
            caller=current_caller(),
            uow=current_container().uow,
        )
    except NotFoundError:
        raise _not_found(app_id) from None
    return answer({})


def find_application(app_id: str) -> Application:
    """Return the application of a path. Raises: CompreFaceError: there is none."""
    wanted = as_uuid(app_id)
    if wanted is None:
        raise _not_found(app_id)
    try:
        return get_application(wanted, uow=current_container().uow)
    except NotFoundError:
        raise _not_found(app_id) from None


def not_unique(name: str) -> CompreFaceError:
    """Return the error for a name that something else has, or the thing itself."""
    return CompreFaceError(17, f"Name {name} is not unique")


def _not_found(app_id: str) -> CompreFaceError:
    return CompreFaceError(2, f"App {app_id} not found", HTTPStatus.NOT_FOUND)


def _document(application: Application) -> dict[str, Any]:
    """Describe an application; its owner is the caller, as every administrator owns all."""
    owner = administrator()
    return {
        "id": str(application.id),
        "name": application.name,
        "role": "OWNER",
        "owner": {"userId": str(owner.id), "firstName": owner.name, "lastName": ""},
    }
