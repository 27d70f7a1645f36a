from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.api.schemas.base import Schema


class LivenessResource(Schema):
    """The process answers."""

    status: Literal["live"] = "live"


class ReadinessResource(Schema):
    """The service can take work."""

    status: Literal["ready"] = "ready"
    parts: Annotated[
        dict[str, bool], Field(description="Which parts answer; the broker may be away.")
    ]
