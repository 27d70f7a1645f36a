"""``/detection``: where faces are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from app.compat.compreface import translate
from app.compat.compreface.calls import Call, Seen, seen
from app.compat.compreface.context import authenticate
from app.compat.compreface.documents import answer
from app.compat.compreface.images import read_images
from app.compat.compreface.jobs import run_job
from app.compat.compreface.parameters import Parameters
from app.domain.compreface import ServiceType
from app.domain.job_parameters import DetectionParameters, EmbeddingParameters
from app.domain.job_results import DetectionResult, EmbeddingResult
from app.web.context import current_container

if TYPE_CHECKING:
    from flask import Response

    from app.domain.job_results import FaceResult

routes = Blueprint("compreface_detection", __name__)


@routes.before_request
def _authenticate() -> None:
    authenticate(ServiceType.DETECTION)


@routes.post("/detection/detect")
def detect() -> Response:
    """Return where the faces of an image are."""
    call = Call.read(Parameters.of_request(), rounded=False)
    [image] = read_images("file")
    found = _embedded(call, image) if call.options.embeddings else _detected(call, image)
    result = [translate.face(one, found.size, call.options, found.face_ms) for one in found.faces]
    model = current_container().settings.model
    return answer({"result": result, **translate.versions(call.options, model)})


def _detected(call: Call, image: bytes) -> Seen[FaceResult]:
    result, job = run_job(DetectionParameters(**call.sought), [image], DetectionResult)
    return seen(result.images, job)


def _embedded(call: Call, image: bytes) -> Seen[FaceResult]:
    result, job = run_job(EmbeddingParameters(**call.sought), [image], EmbeddingResult)
    return seen(result.images, job)
