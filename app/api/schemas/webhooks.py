from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from app.api.schemas.base import Change, Example, Moment, Page, Schema
from app.domain.delivery import DeliveryState, DisableReason, EventType

if TYPE_CHECKING:
    from app.domain.delivery import Attempt, Delivery, Endpoint

_Url = Annotated[str, Field(min_length=1, max_length=2000, examples=["https://example.com/vultus"])]
_Events = Annotated[
    tuple[EventType, ...],
    Field(min_length=1, max_length=20, description="The events that the endpoint gets."),
]

#: The ends of jobs and of endpoints; what an endpoint gets unless it says otherwise.
_USUAL_EVENTS = tuple(event for event in EventType if event != EventType.ENDPOINT_TEST)


class EndpointRequest(Schema):
    """A URL to register."""

    url: _Url
    events: _Events = _USUAL_EVENTS


class EndpointChange(Change):
    """What to change of an endpoint; what is absent stays."""

    EXAMPLE: ClassVar[Example] = {"enabled": True}

    url: _Url = ""
    events: _Events = ()
    enabled: bool = True

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("Give at least one of url, events and enabled.")
        return self


class EndpointResource(Schema):
    """A registered URL."""

    id: UUID
    url: str
    events: list[EventType]
    owner_id: Annotated[
        UUID | None, Field(description="The key whose events it gets; null: those of every key.")
    ]
    enabled: bool
    disabled_reason: DisableReason | None
    failing_since: datetime | None
    throttled_until: Annotated[
        datetime | None, Field(description="Nothing is sent before: the receiver was too busy.")
    ]
    public_key: Annotated[
        str | None, Field(description="Checks the v1a signatures; null until the next rotation.")
    ]
    previous_secret_until: Annotated[
        datetime | None, Field(description="Until when the secret before the last signs too.")
    ]
    created_at: datetime

    @classmethod
    def of(cls, endpoint: Endpoint) -> EndpointResource:
        """Show an endpoint without its secret."""
        return cls(**_shown(endpoint))


class NewEndpointResource(EndpointResource):
    """An endpoint with its new secret; no other answer holds it."""

    secret: Annotated[str, Field(description="Checks the signatures; it is not shown again.")]

    @classmethod
    def showing(cls, endpoint: Endpoint) -> NewEndpointResource:
        """Show an endpoint with its secret."""
        return cls(**_shown(endpoint), secret=endpoint.secret)


class EndpointPage(Page):
    """Endpoints, oldest first."""

    items: list[EndpointResource]


class DeliveryResource(Schema):
    """One event for one endpoint."""

    id: Annotated[UUID, Field(description="The webhook-id header of every attempt.")]
    endpoint_id: UUID
    event: EventType
    payload: dict[str, Any]
    state: DeliveryState
    attempt: int
    next_attempt_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryResource:
        """Show a delivery."""
        fields = {name: getattr(delivery, name) for name in cls.model_fields}
        return cls(**fields | {"payload": dict(delivery.payload)})


class DeliveryPage(Page):
    """Deliveries, newest first."""

    items: list[DeliveryResource]


class RedeliveryRequest(Schema):
    """Which events to send again."""

    since: Annotated[
        Moment,
        Field(description="The first moment of the range.", examples=["2026-01-01T00:00:00Z"]),
    ]
    until: Annotated[
        Moment | None, Field(description="The end of the range, excluded; null: now.")
    ] = None
    states: Annotated[
        tuple[Literal[DeliveryState.FAILED, DeliveryState.DELIVERED], ...],
        Field(min_length=1, max_length=2, description="What became of them so far."),
    ] = (DeliveryState.FAILED,)


class RedeliveryResource(Schema):
    """What will be sent again."""

    redelivered: Annotated[int, Field(description="The number of events.")]


class AttemptResource(Schema):
    """One try and what came of it."""

    number: int
    at: datetime
    status_code: int | None
    error: str | None
    duration_ms: int

    @classmethod
    def of(cls, attempt: Attempt) -> AttemptResource:
        """Show an attempt."""
        return cls(**{name: getattr(attempt, name) for name in cls.model_fields})


class AttemptList(Schema):
    """The attempts of a delivery in order."""

    items: list[AttemptResource]


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    fields = {name: getattr(endpoint, name) for name in EndpointResource.model_fields}
    known = [event for event in endpoint.events if isinstance(event, EventType)]
    return fields | {"events": sorted(known)}
