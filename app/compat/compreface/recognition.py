"""``/recognition``: who is in an image, and whether it is the person of an example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from app.compat.compreface import translate
from app.compat.compreface.calls import Call, analyse, curve_of, faces_of
from app.compat.compreface.context import authenticate, container, current_service
from app.compat.compreface.documents import answer
from app.compat.compreface.errors import example_not_found, models_failed
from app.compat.compreface.faces import parse_id
from app.compat.compreface.images import read_images
from app.compat.compreface.parameters import Parameters
from app.compat.compreface.usecases.examples import find_example
from app.domain.compreface import ServiceType
from app.domain.errors import NotFoundError
from app.domain.job import JobType
from app.services.recognition.rank import Ranking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response

    from app.domain.job import Job

routes = Blueprint("compreface_recognition", __name__)


@routes.before_request
def _authenticate() -> None:
    authenticate(ServiceType.RECOGNITION)


@routes.post("/recognition/recognize")
def recognize() -> Response:
    """Tell the nearest examples of every face."""
    return answer(recognised(Parameters.of_request()))


@routes.post("/recognition/faces/<image_id>/verify")
def verify(image_id: str) -> Response:
    """Compare every face with one example."""
    face_id = parse_id(image_id)
    call = Call.read(Parameters.of_request())
    [image] = read_images("file")
    try:
        find_example(current_service(), face_id, uow=container().uow)
    except NotFoundError:
        raise example_not_found("Image Id is incorrect") from None
    found, job = analyse(
        call, JobType.RECOGNITION, image, {"ranking": Ranking.FACES, "face_id": str(face_id)}
    )
    if not all(face["candidates"] for face in found["faces"]):
        raise example_not_found("Image Id is incorrect")
    curve = curve_of(_model(job))
    result = faces_of(
        found, job, lambda *one: translate.verified(one[0], one[1], call.wishes, one[2], curve)
    )
    return answer({"result": result, **translate.versions(call.wishes, _model(job))})


def recognised(parameters: Parameters) -> translate.Document:
    """Return the answer to a recognition of the request's image. Raises: CompreFaceError."""
    call = Call.read(parameters, croppable=True)
    count = parameters.whole("prediction_count", 1, least=1, label="prediction_count")
    distinct = parameters.flag("distinct", default=False)
    [image] = read_images("file")
    found, job = analyse(
        call,
        JobType.RECOGNITION,
        image,
        {"ranking": Ranking.SUBJECTS if distinct else Ranking.FACES, "limit": count},
    )
    curve = curve_of(_model(job))

    def tell(face: Mapping[str, Any], size: Mapping[str, Any], ms: float) -> translate.Document:
        return translate.recognised(face, size, call.wishes, ms, curve)

    return {
        "result": faces_of(found, job, tell),
        **translate.versions(call.wishes, _model(job)),
    }


def _model(job: Job) -> str:
    if job.result is None:
        raise models_failed("the job has no result")
    return str(job.result["model"])
