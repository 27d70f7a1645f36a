from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.api.schemas.base import Schema


class LivenessResource(Schema):
    """The process answers."""

    status: Literal["live"] = "live"


Parts = Annotated[
    dict[str, bool], Field(description="Every part of the service, and whether it works.")
]


SetAside = Annotated[
    dict[str, int],
    Field(
        description="How many things each chore in the background has set aside, as they failed; "
        "none where there are none.",
        examples=[{}],
    ),
]


class ReadinessResource(Schema):
    """The service can take work."""

    status: Literal["ready"] = "ready"
    parts: Parts
    set_aside: SetAside


class WorkingResource(Schema):
    """Everything works, so that what is taken is also done."""

    status: Literal["working"] = "working"
    parts: Parts
    set_aside: SetAside
