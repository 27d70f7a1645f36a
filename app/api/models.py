from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import answer, operation
from app.api.schemas.models import ModelList, ModelResource
from app.domain.access import Scope
from app.web.context import current_container

if TYPE_CHECKING:
    from flask import Response

ns = Namespace("models", "The embedding models that the service knows.", "/models")


@ns.route("")
class Models(Resource):
    """All models."""

    @operation(ns, scope=Scope.READ, answers={200: ModelList})
    def get(self) -> Response:
        """List the models of the manifest, and which one runs."""
        container = current_container()
        return answer(
            ModelList(
                items=[
                    ModelResource.of(model, active=model.id == container.settings.model)
                    for model in container.models.values()
                ]
            )
        )
