from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import answer, operation
from app.api.http.pagination import answer_page, read_name
from app.api.http.submission import answer_receipt
from app.api.schemas.collections import (
    CollectionChange,
    CollectionPage,
    CollectionQuery,
    CollectionRequest,
    CollectionResource,
)
from app.api.schemas.headers import WaitHeaders
from app.api.schemas.jobs import ErasureJob, WaitQuery
from app.domain.access import Scope
from app.services.people.collections import (
    CollectionSettings,
    create_collection,
    delete_collection,
    get_collection,
    list_collections,
    update_collection,
)
from app.web.context import collection_memory, current_caller, current_container

if TYPE_CHECKING:
    from flask import Response

ns = Namespace("collections", "Named sets of subjects and their faces.", path="/collections")


@ns.route("")
class CollectionList(Resource):
    """All collections."""

    @operation(ns, scope=Scope.READ, query=CollectionQuery, answers={200: CollectionPage})
    def get(self, query: CollectionQuery) -> Response:
        """List the collections that the key opens, by name."""
        found = list_collections(
            name=query.name,
            after=read_name(query),
            limit=query.size + 1,
            caller=current_caller(),
            uow=current_container().uow,
        )
        return answer_page(
            CollectionPage,
            found,
            size=query.size,
            show=CollectionResource.of,
            position=lambda collection: [collection.name],
        )

    @operation(
        ns,
        scope=Scope.WRITE,
        body=CollectionRequest,
        answers={201: CollectionResource},
        problems=(409,),
    )
    def post(self, body: CollectionRequest) -> Response:
        """Create a collection."""
        container = current_container()
        collection = create_collection(
            CollectionSettings(
                name=body.name,
                model=body.model or container.settings.model,
                matcher=body.matcher,
                target_fpir=body.target_fpir,
                similarity_threshold=body.similarity_threshold,
                possible_threshold=body.possible_threshold,
                quality_gate=body.quality_gate,
                keep_images=body.keep_images,
                retention_days=body.retention_days,
                require_consent=body.require_consent,
                keep_probes=body.keep_probes,
                job_retention_h=body.job_retention_h,
            ),
            models=container.models.keys(),
            caller=current_caller(),
            uow=container.uow,
            clock=container.clock,
        )
        return answer(
            CollectionResource.of(collection),
            201,
            {"Location": f"/v1/collections/{collection.id}"},
        )


@ns.route("/<collection>")
@ns.param("collection", "Id or name of the collection.")
class CollectionItem(Resource):
    """One collection."""

    @operation(ns, scope=Scope.READ, answers={200: CollectionResource}, problems=(404,))
    def get(self, collection: str) -> Response:
        """Show a collection."""
        found = get_collection(collection, caller=current_caller(), uow=current_container().uow)
        return answer(CollectionResource.of(found))

    @operation(
        ns,
        scope=Scope.WRITE,
        body=CollectionChange,
        answers={200: CollectionResource},
        problems=(404, 409),
    )
    def patch(self, collection: str, body: CollectionChange) -> Response:
        """Change settings of a collection; null brings back the model's own."""
        changed = update_collection(
            collection,
            body.model_dump(exclude_unset=True),
            caller=current_caller(),
            uow=current_container().uow,
            clock=current_container().clock,
        )
        collection_memory().forget()
        return answer(CollectionResource.of(changed))

    @operation(
        ns,
        scope=Scope.WRITE,
        query=WaitQuery,
        headers=WaitHeaders,
        answers={200: ErasureJob, 202: ErasureJob},
        problems=(404, 423),
    )
    def delete(self, collection: str, query: WaitQuery) -> Response:
        """Erase a collection with everything in it; the job is the receipt."""
        container = current_container()
        receipt = delete_collection(
            collection, receipts=container.receipts, caller=current_caller(), uow=container.uow
        )
        collection_memory().forget()
        return answer_receipt(receipt, query=query)
