from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.base import Absent, Schema


class FaultResource(Schema):
    """One thing that is wrong."""

    detail: str
    pointer: Annotated[
        str, Field(description="Where, as a JSON pointer; parameters count as members.")
    ]


class ProblemResource(Schema):
    """An error, after RFC 9457."""

    type: Annotated[
        str,
        Field(
            description="The stable URI of the kind of problem.",
            examples=["http://127.0.0.1:8000/problems/slug"],
        ),
    ]
    title: Annotated[str, Field(description="The kind in words; the same for every occurrence.")]
    status: int
    detail: Annotated[str, Field(description="What happened here and what to do; not for parsing.")]
    instance: Annotated[str | Absent, Field(description="The path of the request.")] = None
    errors: list[FaultResource] | Absent = None


class ProblemTypeResource(Schema):
    """What a problem type means."""

    type: str
    title: str
    status: int
    description: str
