"""The API of release 0.3.0, whose paths lack the name of a service: ``/api/v1/faces``.

No path of it means something else in 1.2.0, but for ``/migrate``, which is that of 1.2.0.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint

from app.compat.compreface import retraining, translate
from app.compat.compreface.calls import Call, seen
from app.compat.compreface.context import authenticate, current_service
from app.compat.compreface.documents import answer
from app.compat.compreface.errors import CompreFaceError, example_not_found
from app.compat.compreface.faces import enrol, erase, parse_id
from app.compat.compreface.images import read_images
from app.compat.compreface.jobs import run_job
from app.compat.compreface.names import named_or_all
from app.compat.compreface.parameters import Parameters
from app.compat.compreface.retraining import Retrain
from app.compat.compreface.translate import Document
from app.compat.compreface.usecases.examples import Examples, list_examples
from app.compat.compreface.usecases.training import is_trained, running_training
from app.domain.compreface import ServiceType
from app.domain.job_parameters import RecognitionParameters
from app.domain.job_results import RecognitionResult
from app.web.context import current_container

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response

    from app.domain.collection import Face

routes = Blueprint("compreface_release_0_3", __name__)

_ALL = 1_000_000
_LEAST_FACES = 2
_SEVERAL = 31


@routes.before_request
def _authenticate() -> None:
    authenticate(ServiceType.RECOGNITION)


@routes.post("/faces")
def add() -> Response:
    """Enrol a face, then train; an error of the training leaves the face enrolled."""
    parameters = Parameters.of_request()
    try:
        document = enrol(parameters)
    except CompreFaceError as error:
        if error.code == _SEVERAL:
            raise CompreFaceError(_SEVERAL, "More than one face in the image") from None
        raise
    _train(parameters)
    return answer(document, HTTPStatus.CREATED)


@routes.get("/faces")
def listing() -> Response:
    """List all examples."""
    return answer({"faces": _documents(_examples(None))})


@routes.delete("/faces")
def delete_of_subject() -> Response:
    """Remove the examples of a subject, then train; or those of all, and train nothing."""
    parameters = Parameters.of_request()
    subject = named_or_all(parameters)
    erased = erase([face.id for face in _examples(subject)])
    if subject is not None:
        _train(parameters)
    return answer(_documents(erased))


@routes.delete("/faces/<image_id>")
def delete(image_id: str) -> Response:
    """Remove an example, then train."""
    erased = erase([parse_id(image_id)])
    if not erased:
        raise example_not_found(f"Image {image_id} not found")
    _train(Parameters.of_request())
    return answer(_documents(erased)[0])


@routes.post("/recognize")
def recognize() -> Response:
    """Return who every face may be, by the trained matcher."""
    if running_training(current_service(), uow=current_container().uow) is not None:
        return answer({"status": "Model is locked now, try later"}, HTTPStatus.LOCKED)
    if not is_trained(current_service(), uow=current_container().uow):
        raise CompreFaceError(29, "Model is not trained")
    parameters = Parameters.of_request()
    call = Call.read(parameters)
    count = parameters.whole("prediction_count", 1, least=1, label="prediction_count")
    [image] = read_images("file")
    asked = RecognitionParameters(**call.sought, limit=count)
    recognition, job = run_job(asked, [image], RecognitionResult)
    found = seen(recognition.images, job)
    result = [
        {
            **translate.face(face, found.size, call.options, found.face_ms),
            "faces": translate.shares(face),
        }
        for face in found.faces
    ]
    return answer({"result": result})


@routes.post("/retrain")
def retrain() -> Response:
    """Start a training."""
    retraining.start(code=28, message="Previous retraining has not been finished yet")
    return answer({"status": "Training is started"}, HTTPStatus.ACCEPTED)


@routes.get("/retrain")
def training_status() -> Response:
    """Tell whether a training runs."""
    if running_training(current_service(), uow=current_container().uow) is not None:
        return answer({"status": "Retraining has been previously started"}, HTTPStatus.ACCEPTED)
    return answer({"status": "Ready to start training"})


@routes.delete("/retrain")
def stop_training() -> Response:
    """Stop the training that runs."""
    retraining.stop()
    return answer({"status": "Retraining is ensured to be stopped"}, HTTPStatus.ACCEPTED)


def _train(parameters: Parameters) -> None:
    """Train as requested; without a request only if there are several people to train on."""
    option = parameters.text("retrain")
    if option is None and _listed(None, limit=1).total < _LEAST_FACES:
        return
    retraining.after_change(Retrain.parse(option))


def _examples(subject: str | None) -> Sequence[Face]:
    return _listed(subject, limit=_ALL).faces


def _listed(subject: str | None, *, limit: int) -> Examples:
    return list_examples(
        current_service(), subject=subject, offset=0, limit=limit, uow=current_container().uow
    )


def _documents(faces: Sequence[Face]) -> list[Document]:
    return [{"image_id": str(face.id), "subject": face.subject} for face in faces]
