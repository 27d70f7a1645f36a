"""The calls that bring embeddings of their own: they need no model, so they make no job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from app.compat.compreface import translate
from app.compat.compreface.calls import curve_of
from app.compat.compreface.context import authenticate, current_service
from app.compat.compreface.documents import answer, json_object, vector, vectors
from app.compat.compreface.errors import example_not_found, undefined
from app.compat.compreface.faces import parse_id
from app.compat.compreface.parameters import Parameters
from app.compat.compreface.similarity import unit
from app.compat.compreface.usecases.examples import find_example, model_of, nearest_examples
from app.domain.compreface import ServiceType
from app.domain.embedding import Embedding
from app.domain.errors import NotFoundError
from app.domain.matching import cosine
from app.web.context import current_container

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response

recognition = Blueprint("compreface_recognition_embeddings", __name__)
verification = Blueprint("compreface_verification_embeddings", __name__)


@recognition.before_request
def _authenticate_recognition() -> None:
    authenticate(ServiceType.RECOGNITION)


@verification.before_request
def _authenticate_verification() -> None:
    authenticate(ServiceType.VERIFY)


@recognition.post("/recognition/embeddings/recognize")
def recognize() -> Response:
    """Return the nearest examples of every embedding, in the order sent."""
    count = Parameters.of_request().whole("prediction_count", 1, least=1, label="prediction_count")
    stated = vectors(json_object().get("embeddings"), "embeddings")
    model = model_of(current_service(), uow=current_container().uow)
    probes = [_embedding(one, model) for one in stated]
    found = nearest_examples(current_service(), probes, limit=count, uow=current_container().uow)
    curve = curve_of(model)
    return answer(
        {
            "result": [
                {
                    "embedding": numbers,
                    "similarities": [
                        {
                            "subject": one.subject,
                            "similarity": translate.five_places(curve.of_cosine(one.similarity)),
                        }
                        for one in candidates
                    ],
                }
                for numbers, candidates in zip(stated, found, strict=True)
            ]
        }
    )


@recognition.post("/recognition/embeddings/faces/<image_id>/verify")
def verify_example(image_id: str) -> Response:
    """Compare every embedding with one example; the most similar comes first."""
    stated = vectors(json_object().get("embeddings"), "embeddings")
    face_id = parse_id(image_id)
    model = model_of(current_service(), uow=current_container().uow)
    probes = [_embedding(one, model) for one in stated]
    try:
        find_example(current_service(), face_id, uow=current_container().uow)
    except NotFoundError:
        raise example_not_found("Image Id is incorrect") from None
    found = nearest_examples(
        current_service(), probes, limit=1, face_id=face_id, uow=current_container().uow
    )
    if not all(found):
        raise example_not_found("Image Id is incorrect")
    return _sorted_answer(stated, [one.similarity for [one] in found], model)


@verification.post("/verification/embeddings/verify")
def verify() -> Response:
    """Compare every target with the source; the most similar comes first."""
    document = json_object()
    model = current_container().settings.model
    source = _embedding(vector(document.get("source"), "source"), model)
    stated = vectors(document.get("targets"), "targets")
    return _sorted_answer(stated, [cosine(source, _embedding(one, model)) for one in stated], model)


def _sorted_answer(
    stated: Sequence[Sequence[float]], cosines: Sequence[float], model: str
) -> Response:
    curve = curve_of(model)
    ranked = sorted(
        zip(map(curve.of_cosine, cosines), stated, strict=True), key=lambda one: -one[0]
    )
    return answer(
        {
            "result": [
                {"embedding": numbers, "similarity": translate.five_places(similarity)}
                for similarity, numbers in ranked
            ]
        }
    )


def _embedding(numbers: Sequence[float], model: str) -> Embedding:
    direction = unit(numbers)
    if direction is None or len(numbers) != current_container().models[model].dimension:
        raise undefined()
    return Embedding(model=model, vector=direction)
