from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import answer, operation
from app.api.http.pagination import answer_page, read_moment
from app.api.schemas.base import PageQuery
from app.api.schemas.webhooks import (
    AttemptList,
    AttemptResource,
    DeliveryPage,
    DeliveryResource,
)
from app.domain.access import Scope
from app.services.webhooks.endpoints import (
    get_delivery,
    list_attempts,
    list_deliveries,
    redeliver,
)
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

ns = Namespace(
    "deliveries", "What was sent to an endpoint.", path="/webhooks/<uuid:endpoint_id>/deliveries"
)


@ns.route("")
@ns.param("endpoint_id", "Id of the endpoint.")
class DeliveryList(Resource):
    """All deliveries of an endpoint."""

    @operation(ns, scope=Scope.READ, query=PageQuery, answers={200: DeliveryPage}, problems=(404,))
    def get(self, endpoint_id: UUID, query: PageQuery) -> Response:
        """List deliveries, newest first."""
        found = list_deliveries(
            endpoint_id,
            caller=current_caller(),
            before=read_moment(query),
            limit=query.size + 1,
            uow=current_container().uow,
        )
        return answer_page(
            DeliveryPage,
            found,
            size=query.size,
            show=DeliveryResource.of,
            position=lambda delivery: [delivery.created_at, delivery.id],
        )


@ns.route("/<uuid:delivery_id>")
@ns.param("endpoint_id", "Id of the endpoint.")
@ns.param("delivery_id", "Id of the delivery.")
class DeliveryItem(Resource):
    """One delivery."""

    @operation(ns, scope=Scope.READ, answers={200: DeliveryResource}, problems=(404,))
    def get(self, endpoint_id: UUID, delivery_id: UUID) -> Response:
        """Show a delivery."""
        found = get_delivery(
            delivery_id,
            endpoint_id=endpoint_id,
            caller=current_caller(),
            uow=current_container().uow,
        )
        return answer(DeliveryResource.of(found))


@ns.route("/<uuid:delivery_id>/attempts")
@ns.param("endpoint_id", "Id of the endpoint.")
@ns.param("delivery_id", "Id of the delivery.")
class AttemptLog(Resource):
    """The attempts of a delivery."""

    @operation(ns, scope=Scope.READ, answers={200: AttemptList}, problems=(404,))
    def get(self, endpoint_id: UUID, delivery_id: UUID) -> Response:
        """List the attempts in order."""
        found = list_attempts(
            delivery_id,
            endpoint_id=endpoint_id,
            caller=current_caller(),
            uow=current_container().uow,
        )
        return answer(AttemptList(items=[AttemptResource.of(attempt) for attempt in found]))


@ns.route("/<uuid:delivery_id>/redeliver")
@ns.param("endpoint_id", "Id of the endpoint.")
@ns.param("delivery_id", "Id of the delivery.")
class Redelivery(Resource):
    """A new start of a delivery."""

    @operation(ns, scope=Scope.WRITE, answers={202: DeliveryResource}, problems=(404, 409))
    def post(self, endpoint_id: UUID, delivery_id: UUID) -> Response:
        """Send an event again under its old id."""
        container = current_container()
        delivery = redeliver(
            delivery_id,
            endpoint_id=endpoint_id,
            caller=current_caller(),
            uow=container.uow,
            queue=container.queue,
            clock=container.clock,
        )
        location = f"/v1/webhooks/{endpoint_id}/deliveries/{delivery.id}"
        return answer(DeliveryResource.of(delivery), 202, {"Location": location})
