"""``/detection``: where faces are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from app.compat.compreface import translate
from app.compat.compreface.calls import Call, analyse, faces_of
from app.compat.compreface.context import authenticate, container
from app.compat.compreface.documents import answer
from app.compat.compreface.images import read_images
from app.compat.compreface.parameters import Parameters
from app.domain.compreface import ServiceType
from app.domain.job import JobType

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("compreface_detection", __name__)


@routes.before_request
def _authenticate() -> None:
    authenticate(ServiceType.DETECTION)


@routes.post("/detection/detect")
def detect() -> Response:
    """Tell where the faces of an image are."""
    call = Call.read(Parameters.of_request(), rounded=False)
    [image] = read_images("file")
    job_type = JobType.EMBEDDING if call.wishes.embeddings else JobType.DETECTION
    found, job = analyse(call, job_type, image, {})
    result = faces_of(
        found, job, lambda face, size, ms: translate.face(face, size, call.wishes, ms)
    )
    model = container().settings.model
    return answer({"result": result, **translate.versions(call.wishes, model)})
