from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import answer, operation
from app.api.http.submission import submit
from app.api.schemas.headers import SubmitHeaders
from app.api.schemas.jobs import TrainingJob, WaitQuery
from app.api.schemas.submissions import TrainingParameters
from app.api.schemas.trainings import TrainingList, TrainingQuery, TrainingResource
from app.domain.access import Scope
from app.domain.job import JobType
from app.services.models.trainings import list_trainings
from app.services.people.collections import get_collection
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from flask import Response

ns = Namespace(
    "trainings",
    "The trained matcher of a collection.",
    path="/collections/<collection>/trainings",
)


@ns.route("")
@ns.param("collection", "Id or name of the collection.")
class TrainingVersions(Resource):
    """The trained versions."""

    @operation(
        ns, scope=Scope.READ, query=TrainingQuery, answers={200: TrainingList}, problems=(404,)
    )
    def get(self, collection: str, query: TrainingQuery) -> Response:
        """List versions, newest first; the newest one of the collection's model is in use."""
        found, trainings = list_trainings(
            collection, limit=query.limit, caller=current_caller(), uow=current_container().uow
        )
        newest = next(
            (training.id for training in trainings if training.model == found.model), None
        )
        shown = [TrainingResource.of(one, active=one.id == newest) for one in trainings]
        return answer(TrainingList(items=shown))

    @operation(
        ns,
        scope=Scope.WRITE,
        query=WaitQuery,
        headers=SubmitHeaders,
        answers={200: TrainingJob, 202: TrainingJob},
        problems=(404, 409, 422, 429),
    )
    def post(self, collection: str, query: WaitQuery) -> Response:
        """Train the matcher on the faces that the collection holds now."""
        found = get_collection(collection, caller=current_caller(), uow=current_container().uow)
        return submit(JobType.TRAINING, TrainingParameters(), query=query, collection=found)
