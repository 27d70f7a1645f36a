from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Page, PageQuery, Schema
from app.domain.documents import to_document
from app.domain.job import JobState, JobType

if TYPE_CHECKING:
    from app.domain.job import Job


#: Of a recognition; landmarks and all candidates but one are left out.
_RESULT = {
    "model": "facenet-msceleb-128",
    "images": [
        {
            "width": 220,
            "height": 300,
            "faces": [
                {
                    "box": {"x_min": 78.2, "y_min": 70.6, "x_max": 212.8, "y_max": 251.9},
                    "detection_confidence": 0.99,
                    "decision": "match",
                    "candidates": [{"subject": "Ann", "similarity": 0.74, "probability": 0.99}],
                }
            ],
        }
    ],
}


class ProgressResource(Schema):
    """How many of a job's images are done."""

    done: Annotated[int, Field(examples=[1])]
    total: Annotated[int, Field(examples=[1])]


class JobLinks(Schema):
    """Where to go from a job."""

    self: Annotated[str, Field(examples=["/v1/jobs/3fa85f64-5717-4562-b3fc-2c963f66afa6"])]
    collection: str | None = None


class JobResource(Schema):
    """A stored request and, once it has ended, its outcome."""

    id: UUID
    type: JobType
    state: JobState
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: Annotated[
        datetime | None, Field(description="When the job and its result are deleted.")
    ]
    progress: ProgressResource
    attempt: Annotated[int, Field(description="How often workers have begun it.")]
    result: Annotated[
        dict[str, Any] | None,
        Field(
            description="What the type of the job promises; see the API page of the documentation.",
            examples=[_RESULT],
        ),
    ]
    error: Annotated[
        dict[str, Any] | None,
        Field(description="A problem, for failed and dead jobs.", examples=[None]),
    ]
    links: JobLinks

    @classmethod
    def of(cls, job: Job, *, problem_base: str) -> JobResource:
        """Show a job; ``problem_base`` is what relative problem types are relative to."""
        error = job.error
        if error is not None and error.type.startswith("/"):
            error = replace(error, type=problem_base + error.type)
        return cls(
            id=job.id,
            type=job.type,
            state=job.state,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            expires_at=job.expires_at,
            progress=ProgressResource(done=job.progress.done, total=job.progress.total),
            attempt=job.attempt,
            result=None if job.result is None else to_document(job.result),
            error=None if error is None else to_document(error),
            links=JobLinks(
                self=f"/v1/jobs/{job.id}",
                collection=f"/v1/collections/{job.collection_id}" if job.collection_id else None,
            ),
        )


class JobListQuery(PageQuery):
    """Which jobs to list."""

    state: Annotated[JobState | None, Field(description="Only jobs in this state.")] = None
    type: Annotated[JobType | None, Field(description="Only jobs of this type.")] = None


class WaitQuery(Schema):
    """How long the answer may take."""

    wait: Annotated[
        float | None,
        Field(
            ge=0,
            description="Seconds to wait for the end of the job; the service sets an upper bound.",
        ),
    ] = None


class JobPage(Page):
    """Jobs, newest first."""

    items: list[JobResource]
