"""The headers by which a caller says how it wants to be answered."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.base import Schema


class WaitHeaders(Schema):
    """Of a call that answers with a job."""

    prefer: Annotated[
        str | None,
        Field(
            alias="Prefer",
            description="wait=10 answers 200 with the ended job if that takes at most ten seconds.",
        ),
    ] = None


class SubmitHeaders(WaitHeaders):
    """Of a call that submits a job."""

    idempotency_key: Annotated[
        str | None,
        Field(
            alias="Idempotency-Key",
            description="Repetitions with the same key return the first job and store nothing.",
        ),
    ] = None
