"""``/recognition``: who is in an image, and whether it is the person of an example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from app.compat.compreface import translate
from app.compat.compreface.calls import Call, curve_of, seen
from app.compat.compreface.context import authenticate, current_service
from app.compat.compreface.documents import answer
from app.compat.compreface.errors import example_not_found
from app.compat.compreface.faces import parse_id
from app.compat.compreface.images import read_images
from app.compat.compreface.jobs import run_job
from app.compat.compreface.parameters import Parameters
from app.compat.compreface.usecases.examples import find_example
from app.domain.compreface import ServiceType
from app.domain.errors import NotFoundError
from app.domain.job_parameters import Ranking, RecognitionParameters
from app.domain.job_results import RankingResult
from app.web.context import current_container

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from app.domain.job import Job

routes = Blueprint("compreface_recognition", __name__)


@routes.before_request
def _authenticate() -> None:
    authenticate(ServiceType.RECOGNITION)


@routes.post("/recognition/recognize")
def recognize() -> Response:
    """Return the nearest examples of every face."""
    return answer(recognised(Parameters.of_request()))


@routes.post("/recognition/faces/<image_id>/verify")
def verify(image_id: str) -> Response:
    """Compare every face with one example."""
    face_id = parse_id(image_id)
    call = Call.read(Parameters.of_request())
    [image] = read_images("file")
    try:
        find_example(current_service(), face_id, uow=current_container().uow)
    except NotFoundError:
        raise example_not_found("Image Id is incorrect") from None
    ranking, job = _ranked(call, image, ranking=Ranking.FACES, face_id=face_id)
    found = seen(ranking.images, job)
    if not all(face.candidates for face in found.faces):
        raise example_not_found("Image Id is incorrect")
    curve = curve_of(ranking.model)
    result = [
        translate.verified(face, found.size, call.options, found.face_ms, curve)
        for face in found.faces
    ]
    return answer({"result": result, **translate.versions(call.options, ranking.model)})


def recognised(parameters: Parameters) -> translate.Document:
    """Return the answer to a recognition of the request's image. Raises: CompreFaceError."""
    call = Call.read(parameters, croppable=True)
    count = parameters.whole("prediction_count", 1, least=1, label="prediction_count")
    distinct = parameters.flag("distinct", default=False)
    [image] = read_images("file")
    by = Ranking.SUBJECTS if distinct else Ranking.FACES
    ranking, job = _ranked(call, image, ranking=by, limit=count)
    found = seen(ranking.images, job)
    curve = curve_of(ranking.model)
    return {
        "result": [
            translate.recognised(face, found.size, call.options, found.face_ms, curve)
            for face in found.faces
        ],
        **translate.versions(call.options, ranking.model),
    }


def _ranked(
    call: Call,
    image: bytes,
    *,
    ranking: Ranking,
    limit: int | None = None,
    face_id: UUID | None = None,
) -> tuple[RankingResult, Job]:
    asked = RecognitionParameters(
        **call.sought,
        include_embeddings=call.options.embeddings,
        ranking=ranking,
        limit=limit,
        face_id=face_id,
    )
    return run_job(asked, [image], RankingResult)
