from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import answer, answer_nothing, operation
from app.api.http.pagination import answer_page, read_id
from app.api.schemas.base import PageQuery
from app.api.schemas.webhooks import (
    DeliveryResource,
    EndpointChange,
    EndpointPage,
    EndpointRequest,
    EndpointResource,
    NewEndpointResource,
    RedeliveryRequest,
    RedeliveryResource,
)
from app.domain.access import Scope
from app.services.webhooks.endpoints import (
    create_endpoint,
    delete_endpoint,
    get_endpoint,
    list_endpoints,
    redeliver_range,
    rotate_secret,
    send_test_event,
    update_endpoint,
)
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

ns = Namespace("webhooks", "URLs that receive the ends of jobs.", path="/webhooks")


@ns.route("")
class EndpointList(Resource):
    """All endpoints."""

    @operation(ns, scope=Scope.READ, query=PageQuery, answers={200: EndpointPage})
    def get(self, query: PageQuery) -> Response:
        """List the key's own endpoints; global admin keys see everyone's."""
        found = list_endpoints(
            caller=current_caller(),
            after=read_id(query),
            limit=query.size + 1,
            uow=current_container().uow,
        )
        return answer_page(
            EndpointPage,
            found,
            size=query.size,
            show=EndpointResource.of,
            position=lambda endpoint: [endpoint.id],
        )

    @operation(ns, scope=Scope.WRITE, body=EndpointRequest, answers={201: NewEndpointResource})
    def post(self, body: EndpointRequest) -> Response:
        """Register a URL for events of the key's jobs, or of all jobs for a global admin key.

        This answer is the only one that shows the secret.
        """
        container = current_container()
        endpoint = create_endpoint(
            url=body.url,
            events=body.events,
            caller=current_caller(),
            uow=container.uow,
            sender=container.sender,
            clock=container.clock,
        )
        shown = NewEndpointResource.showing(endpoint)
        return answer(shown, 201, {"Location": f"/v1/webhooks/{endpoint.id}"})


@ns.route("/<uuid:endpoint_id>")
@ns.param("endpoint_id", "Id of the endpoint.")
class EndpointItem(Resource):
    """One endpoint."""

    @operation(ns, scope=Scope.READ, answers={200: EndpointResource}, problems=(404,))
    def get(self, endpoint_id: UUID) -> Response:
        """Show an endpoint without its secret."""
        found = get_endpoint(endpoint_id, caller=current_caller(), uow=current_container().uow)
        return answer(EndpointResource.of(found))

    @operation(
        ns,
        scope=Scope.WRITE,
        body=EndpointChange,
        answers={200: EndpointResource},
        problems=(404,),
    )
    def patch(self, endpoint_id: UUID, body: EndpointChange) -> Response:
        """Change the URL or the events of an endpoint, or enable and disable it."""
        container = current_container()
        changed = update_endpoint(
            endpoint_id,
            caller=current_caller(),
            **body.model_dump(exclude_unset=True),
            uow=container.uow,
            sender=container.sender,
        )
        return answer(EndpointResource.of(changed))

    @operation(ns, scope=Scope.WRITE, answers={204: None}, problems=(404,))
    def delete(self, endpoint_id: UUID) -> Response:
        """Remove an endpoint with its deliveries."""
        delete_endpoint(endpoint_id, caller=current_caller(), uow=current_container().uow)
        return answer_nothing()


@ns.route("/<uuid:endpoint_id>/rotate")
@ns.param("endpoint_id", "Id of the endpoint.")
class EndpointRotation(Resource):
    """The change of an endpoint's secret."""

    @operation(ns, scope=Scope.WRITE, answers={200: NewEndpointResource}, problems=(404,))
    def post(self, endpoint_id: UUID) -> Response:
        """Create a new secret and key pair; the old ones sign beside them for a day."""
        container = current_container()
        endpoint = rotate_secret(
            endpoint_id,
            caller=current_caller(),
            uow=container.uow,
            sender=container.sender,
            clock=container.clock,
        )
        return answer(NewEndpointResource.showing(endpoint))


@ns.route("/<uuid:endpoint_id>/redeliver")
@ns.param("endpoint_id", "Id of the endpoint.")
class RangeRedelivery(Resource):
    """A new start of many deliveries."""

    @operation(
        ns,
        scope=Scope.WRITE,
        body=RedeliveryRequest,
        answers={202: RedeliveryResource},
        problems=(404, 409),
    )
    def post(self, endpoint_id: UUID, body: RedeliveryRequest) -> Response:
        """Send the events of a range of time again, each under its old id."""
        container = current_container()
        count = redeliver_range(
            endpoint_id,
            caller=current_caller(),
            since=body.since,
            until=body.until,
            states=body.states,
            uow=container.uow,
            queue=container.queue,
            clock=container.clock,
        )
        return answer(RedeliveryResource(redelivered=count), 202)


@ns.route("/<uuid:endpoint_id>/test")
@ns.param("endpoint_id", "Id of the endpoint.")
class EndpointTest(Resource):
    """A trial of an endpoint."""

    @operation(ns, scope=Scope.WRITE, answers={202: DeliveryResource}, problems=(404, 409))
    def post(self, endpoint_id: UUID) -> Response:
        """Send a test event, to see whether it arrives."""
        container = current_container()
        delivery = send_test_event(
            endpoint_id,
            caller=current_caller(),
            uow=container.uow,
            queue=container.queue,
            clock=container.clock,
        )
        location = f"/v1/webhooks/{endpoint_id}/deliveries/{delivery.id}"
        return answer(DeliveryResource.of(delivery), 202, {"Location": location})
