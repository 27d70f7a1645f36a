from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import answer, operation
from app.api.schemas.reembeddings import (
    ActivationRequest,
    ReembeddingList,
    ReembeddingQuery,
    ReembeddingRequest,
    ReembeddingResource,
)
from app.domain.access import Scope
from app.services.models.change import NewModel, Reembeddings
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from app.services.models.change import Progressing

ns = Namespace(
    "reembeddings",
    "The change of a collection's model.",
    path="/collections/<collection>/reembeddings",
)


@ns.route("")
@ns.param("collection", "Id or name of the collection.")
class ReembeddingCollection(Resource):
    """All changes of a collection's model."""

    @operation(
        ns,
        scope=Scope.READ,
        query=ReembeddingQuery,
        answers={200: ReembeddingList},
        problems=(404,),
    )
    def get(self, collection: str, query: ReembeddingQuery) -> Response:
        """List changes of the collection's model, newest first."""
        found = _of(collection).list(limit=query.limit)
        return answer(ReembeddingList(items=[ReembeddingResource.of(one) for one in found]))

    @operation(
        ns,
        scope=Scope.WRITE,
        body=ReembeddingRequest,
        answers={202: ReembeddingResource},
        problems=(404, 409),
    )
    def post(self, collection: str, body: ReembeddingRequest) -> Response:
        """Embed every face by another model, beside the vectors in use."""
        started = _of(collection).start(NewModel(**dict(body)), models=current_container().models)
        shown = ReembeddingResource.of(started)
        return answer(shown, 202, {"Location": shown.links.self})


@ns.route("/<uuid:reembedding_id>")
@ns.param("collection", "Id or name of the collection.")
@ns.param("reembedding_id", "Id of the change.")
class ReembeddingItem(Resource):
    """One change of a collection's model."""

    @operation(ns, scope=Scope.READ, answers={200: ReembeddingResource}, problems=(404,))
    def get(self, collection: str, reembedding_id: UUID) -> Response:
        """Show how far a change is, and its report."""
        return _answer(_of(collection).get(reembedding_id))


@ns.route("/<uuid:reembedding_id>/pause")
@ns.param("collection", "Id or name of the collection.")
@ns.param("reembedding_id", "Id of the change.")
class ReembeddingPause(Resource):
    """A stop that keeps what is done."""

    @operation(ns, scope=Scope.WRITE, answers={200: ReembeddingResource}, problems=(404, 409))
    def post(self, collection: str, reembedding_id: UUID) -> Response:
        """Embed no more faces for now; new ones still get both vectors."""
        return _answer(_of(collection).pause(reembedding_id))


@ns.route("/<uuid:reembedding_id>/resume")
@ns.param("collection", "Id or name of the collection.")
@ns.param("reembedding_id", "Id of the change.")
class ReembeddingResume(Resource):
    """The end of a pause."""

    @operation(ns, scope=Scope.WRITE, answers={200: ReembeddingResource}, problems=(404, 409))
    def post(self, collection: str, reembedding_id: UUID) -> Response:
        """Continue after a pause, or after the job has died."""
        return _answer(_of(collection).resume(reembedding_id))


@ns.route("/<uuid:reembedding_id>/activate")
@ns.param("collection", "Id or name of the collection.")
@ns.param("reembedding_id", "Id of the change.")
class ReembeddingActivation(Resource):
    """The switch to the new model."""

    @operation(
        ns,
        scope=Scope.WRITE,
        body=ActivationRequest,
        answers={200: ReembeddingResource},
        problems=(404, 409),
    )
    def post(self, collection: str, reembedding_id: UUID, body: ActivationRequest) -> Response:
        """Search by the new model from now on, at once and as a whole."""
        return _answer(
            _of(collection).activate(
                reembedding_id, drop_faces_without_photograph=body.drop_faces_without_photograph
            )
        )


@ns.route("/<uuid:reembedding_id>/rollback")
@ns.param("collection", "Id or name of the collection.")
@ns.param("reembedding_id", "Id of the change.")
class ReembeddingRollback(Resource):
    """The switch back."""

    @operation(ns, scope=Scope.WRITE, answers={200: ReembeddingResource}, problems=(404, 409))
    def post(self, collection: str, reembedding_id: UUID) -> Response:
        """Search by the former model again; the new vectors stay for another try."""
        return _answer(_of(collection).roll_back(reembedding_id))


@ns.route("/<uuid:reembedding_id>/finish")
@ns.param("collection", "Id or name of the collection.")
@ns.param("reembedding_id", "Id of the change.")
class ReembeddingFinish(Resource):
    """The end of the former model."""

    @operation(ns, scope=Scope.WRITE, answers={202: ReembeddingResource}, problems=(404, 409))
    def post(self, collection: str, reembedding_id: UUID) -> Response:
        """Delete the former vectors; there is no way back afterwards."""
        return _answer(_of(collection).finish(reembedding_id), 202)


@ns.route("/<uuid:reembedding_id>/cancel")
@ns.param("collection", "Id or name of the collection.")
@ns.param("reembedding_id", "Id of the change.")
class ReembeddingCancel(Resource):
    """The end of the new model."""

    @operation(ns, scope=Scope.WRITE, answers={202: ReembeddingResource}, problems=(404, 409))
    def post(self, collection: str, reembedding_id: UUID) -> Response:
        """Delete the new vectors and stay with the former model."""
        return _answer(_of(collection).cancel(reembedding_id), 202)


def _of(collection: str) -> Reembeddings:
    return Reembeddings(
        collection=collection, caller=current_caller(), desk=current_container().desk
    )


def _answer(found: Progressing, status: int = 200) -> Response:
    return answer(ReembeddingResource.of(found), status)
