"""``/recognition/subjects``: the names of a recognition service."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, request

from app.compat.compreface.context import authenticate, current_service
from app.compat.compreface.documents import answer, json_object
from app.compat.compreface.errors import CompreFaceError, subject_not_found
from app.compat.compreface.names import SUBJECT, checked_name, refuse_nameless
from app.compat.compreface.parameters import storable
from app.compat.compreface.usecases.examples import (
    collection_id_of,
    delete_all_subjects,
    delete_subject,
    rename_or_merge,
    subject_names,
)
from app.domain.compreface import ServiceType
from app.domain.errors import ConflictError, NotFoundError
from app.services.people.subjects import create_subject
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("compreface_subjects", __name__)


@routes.before_request
def _authenticate() -> None:
    authenticate(ServiceType.RECOGNITION)


@routes.post("/recognition/subjects")
def add() -> Response:
    """Store a name."""
    name = checked_name(json_object().get("subject"), SUBJECT)
    try:
        create_subject(
            str(collection_id_of(current_service())),
            name,
            any_case=True,
            caller=current_caller(),
            uow=current_container().uow,
        )
    except ConflictError:
        raise CompreFaceError(43, "Subject already exists") from None
    return answer({"subject": name}, HTTPStatus.CREATED)


@routes.get("/recognition/subjects")
def listing() -> Response:
    """List all names."""
    return answer({"subjects": subject_names(current_service(), uow=current_container().uow)})


@routes.put("/recognition/subjects/<path:subject>")
def rename(subject: str) -> Response:
    """Give a subject another name; one that exists takes its examples over."""
    new = checked_name(json_object().get("subject"), SUBJECT)
    uow, clock = current_container().uow, current_container().clock
    for name in _names(subject):
        with suppress(NotFoundError):
            updated = rename_or_merge(current_service(), name, new, uow=uow, clock=clock)
            return answer({"updated": updated})
    raise subject_not_found(subject)


@routes.delete("/recognition/subjects/<path:subject>")
def delete(subject: str) -> Response:
    """Remove a subject with its examples."""
    for name in _names(subject):
        with suppress(NotFoundError):
            deleted = delete_subject(
                current_service(),
                name,
                receipts=current_container().receipts,
                caller=current_caller(),
                uow=current_container().uow,
            )
            return answer({"subject": deleted})
    raise subject_not_found(subject)


@routes.delete("/recognition/subjects")
def delete_all() -> Response:
    """Remove all subjects with their examples."""
    refuse_nameless()
    deleted = delete_all_subjects(
        current_service(),
        receipts=current_container().receipts,
        caller=current_caller(),
        uow=current_container().uow,
    )
    return answer({"deleted": deleted})


def _names(subject: str) -> tuple[str, ...]:
    """Return what a path may name: exactly this, else without the slash that some clients add.

    A slash that was escaped is part of the name. Raises: CompreFaceError: nothing is called so.
    """
    name = storable(subject)
    return (name, name.removesuffix("/")) if request.path.endswith("/") else (name,)
