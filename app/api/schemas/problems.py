from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.base import Schema


class FaultResource(Schema):
    """One thing that is wrong."""

    detail: Annotated[str, Field(examples=["must be at most 100"])]
    pointer: Annotated[
        str,
        Field(
            description="Where, as a JSON pointer; parameters count as members.",
            examples=["#/limit"],
        ),
    ]


class ProblemResource(Schema):
    """An error, after RFC 9457."""

    type: Annotated[
        str,
        Field(
            description="The stable URI of the kind of problem.",
            examples=["http://127.0.0.1:8000/problems/validation-failed"],
        ),
    ]
    title: Annotated[
        str,
        Field(
            description="The kind in words; the same for every occurrence.",
            examples=["Validation failed"],
        ),
    ]
    status: Annotated[int, Field(examples=[400])]
    detail: Annotated[
        str,
        Field(
            description="What happened here and what to do; not for parsing.",
            examples=["#/limit: must be at most 100"],
        ),
    ]
    instance: Annotated[
        str | None,
        Field(description="The path of the request.", examples=["/v1/detections"]),
    ] = None
    errors: list[FaultResource] | None = None


class ProblemTypeResource(Schema):
    """What a problem type means."""

    type: str
    title: str
    status: int
    description: str
