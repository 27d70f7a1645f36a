"""``/recognition/faces``: the examples of a recognition service."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, Response

from app.compat.compreface.calls import DETECTION_THRESHOLD
from app.compat.compreface.context import authenticate, caller_of, current_service
from app.compat.compreface.documents import answer, json_value
from app.compat.compreface.errors import example_not_found, no_face, undefined
from app.compat.compreface.images import read_images
from app.compat.compreface.jobs import run_job
from app.compat.compreface.names import name_to_enrol, named_or_all
from app.compat.compreface.parameters import Parameters, detection_threshold
from app.compat.compreface.translate import Document, page
from app.compat.compreface.usecases.applications import find_service
from app.compat.compreface.usecases.examples import (
    delete_examples,
    delete_examples_of,
    example_image,
    list_examples,
)
from app.domain.compreface import ServiceType
from app.domain.errors import NotFoundError
from app.domain.job_parameters import EnrolmentParameters
from app.domain.job_results import EnrolmentResult
from app.domain.naming import as_uuid
from app.domain.selection import FacePolicy
from app.web.context import act_for, current_caller, current_container

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.collection import Face

routes = Blueprint("compreface_faces", __name__)
#: The one call whose key stands in its path.
static = Blueprint("compreface_static", __name__)

_PAGE = 20
_LARGEST_PAGE = 2000


@routes.before_request
def _authenticate() -> None:
    authenticate(ServiceType.RECOGNITION)


@routes.post("/recognition/faces")
def add() -> Response:
    """Enrol the one face of an image."""
    return answer(enrol(Parameters.of_request()), HTTPStatus.CREATED)


@routes.get("/recognition/faces")
def listing() -> Response:
    """List a page of the examples."""
    parameters = Parameters.of_request()
    number = parameters.whole("page", 0, least=0, label="Page")
    size = parameters.whole("size", _PAGE, least=0, label="Size") or _PAGE
    size = min(size, _LARGEST_PAGE)
    found = list_examples(
        current_service(),
        subject=parameters.text("subject") or None,
        offset=number * size,
        limit=size,
        uow=current_container().uow,
    )
    faces = [(str(face.id), face.subject or "") for face in found.faces]
    return answer(page(faces, number=number, size=size, total=found.total))


@routes.delete("/recognition/faces")
def delete_of_subject() -> Response:
    """Remove the examples of a subject, or of all."""
    subject = named_or_all(Parameters.of_request())
    deleted = delete_examples_of(
        current_service(),
        subject,
        receipts=current_container().receipts,
        caller=current_caller(),
        uow=current_container().uow,
    )
    return answer({"deleted": deleted})


@routes.delete("/recognition/faces/<image_id>")
def delete(image_id: str) -> Response:
    """Remove an example."""
    erased = erase([parse_id(image_id)])
    if not erased:
        raise example_not_found(f"Image {image_id} not found")
    return answer(_example(erased[0]))


@routes.post("/recognition/faces/delete")
def delete_several() -> Response:
    """Remove several examples; unknown ids do not matter."""
    stated = json_value()
    if not isinstance(stated, list) or not all(isinstance(one, str) for one in stated):
        raise undefined()
    erased = erase([parse_id(one) for one in stated])
    return answer([_example(face) for face in erased])


@routes.get("/recognition/faces/<image_id>/img")
def photograph(image_id: str) -> Response:
    """Return the photograph of an example."""
    image = example_image(current_service(), parse_id(image_id), uow=current_container().uow)
    return _octets(image)


@static.get("/static/<api_key>/images/<image_id>")
def photograph_by_key(api_key: str, image_id: str) -> Response:
    """Return the photograph of an example to a caller with its key and id; else nothing."""
    face_id = as_uuid(image_id)
    key = as_uuid(api_key)
    if face_id is None or key is None:
        return _octets(b"")
    try:
        service = find_service(key, ServiceType.RECOGNITION, uow=current_container().uow)
    except NotFoundError:
        return _octets(b"")
    act_for(caller_of(service))
    return _octets(example_image(service, face_id, uow=current_container().uow))


def enrol(parameters: Parameters) -> Document:
    """Enrol the one face of the request's image. Raises: CompreFaceError, ImageError."""
    subject = name_to_enrol(parameters.subject())
    threshold = detection_threshold(parameters, default=DETECTION_THRESHOLD)
    [image] = read_images("file")
    asked = EnrolmentParameters(
        subject=subject,
        any_case=True,
        face_policy=FacePolicy.REFUSE,
        detection_threshold=threshold,
    )
    result, _ = run_job(asked, [image], EnrolmentResult)
    if not result.face_ids:
        raise no_face()
    return {"image_id": str(result.face_ids[0]), "subject": subject}


def erase(face_ids: Sequence[UUID]) -> list[Face]:
    """Remove examples; return those that there were, in the order asked for."""
    return delete_examples(
        current_service(),
        face_ids,
        receipts=current_container().receipts,
        caller=current_caller(),
        uow=current_container().uow,
    )


def parse_id(text: str) -> UUID:
    """Return the id of an example. Raises: CompreFaceError: it is no UUID."""
    face_id = as_uuid(text)
    if face_id is None:
        raise undefined()
    return face_id


def _example(face: Face) -> Document:
    return {"image_id": str(face.id), "subject": face.subject}


def _octets(data: bytes) -> Response:
    return Response(data, content_type="application/octet-stream")
