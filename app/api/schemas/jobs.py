from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, RootModel

from app.api.schemas.base import Moment, Page, PageQuery, Schema
from app.api.schemas.problems import ProblemResource
from app.api.schemas.results import (
    ComparisonResult,
    DescribedAs,
    DetectionResult,
    EmbeddingResult,
    EnrolmentResult,
    ErasureReceipt,
    RankingResult,
    RecognitionResult,
    ReembeddingResult,
    SettlingResult,
    TrainingResult,
    VerificationResult,
)
from app.domain.documents import to_document
from app.domain.job import JobState, JobType

if TYPE_CHECKING:
    from app.domain.job import Job


class ProgressResource(Schema):
    """How many of a job's images are done."""

    done: Annotated[int, Field(examples=[1])]
    total: Annotated[int, Field(examples=[1])]


class JobLinks(Schema):
    """Where to go from a job."""

    self: Annotated[str, Field(examples=["/v1/jobs/3fa85f64-5717-4562-b3fc-2c963f66afa6"])]
    collection: str | None = None


_Document = dict[str, Any] | None
_Result = Field(description="Null until the job has succeeded.")


class _Job(Schema):
    id: UUID
    type: JobType
    state: JobState
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    expires_at: Annotated[
        Moment | None, Field(description="When the job and its result are deleted.")
    ]
    progress: ProgressResource
    attempt: Annotated[int, Field(description="How often workers have begun it.")]
    result: _Document
    error: Annotated[
        _Document,
        DescribedAs(ProblemResource),
        Field(description="A problem, for failed and dead jobs.", examples=[None]),
    ]
    links: JobLinks


class DetectionJob(_Job):
    """A search for faces."""

    type: Literal[JobType.DETECTION]
    result: Annotated[_Document, DescribedAs(DetectionResult), _Result]


class EmbeddingJob(_Job):
    """The embedding of faces."""

    type: Literal[JobType.EMBEDDING]
    result: Annotated[_Document, DescribedAs(EmbeddingResult), _Result]


class VerificationJob(_Job):
    """The comparison of two photographs."""

    type: Literal[JobType.VERIFICATION]
    result: Annotated[_Document, DescribedAs(VerificationResult), _Result]


class RecognitionJob(_Job):
    """The search of a collection."""

    type: Literal[JobType.RECOGNITION]
    result: Annotated[_Document, DescribedAs(RecognitionResult), _Result]


class EnrolmentJob(_Job):
    """The enrolment of faces."""

    type: Literal[JobType.ENROLMENT]
    result: Annotated[_Document, DescribedAs(EnrolmentResult), _Result]


class TrainingJob(_Job):
    """The training of a collection's matcher."""

    type: Literal[JobType.TRAINING]
    result: Annotated[_Document, DescribedAs(TrainingResult), _Result]


class ReembeddingJob(_Job):
    """A part of a change of a collection's model: the embedding, or its end."""

    type: Literal[JobType.REEMBEDDING]
    result: Annotated[_Document, DescribedAs(ReembeddingResult, SettlingResult), _Result]


class ErasureJob(_Job):
    """The receipt of an erasure, which has ended already."""

    type: Literal[JobType.ERASURE]
    result: Annotated[_Document, DescribedAs(ErasureReceipt), _Result]


class AnyVerificationJob(VerificationJob):
    """A verification, perhaps one that came through CompreFace's API."""

    result: Annotated[_Document, DescribedAs(VerificationResult, ComparisonResult), _Result]


class AnyRecognitionJob(RecognitionJob):
    """A recognition, perhaps one that came through CompreFace's API."""

    result: Annotated[_Document, DescribedAs(RecognitionResult, RankingResult), _Result]


class JobResource(
    RootModel[
        Annotated[
            DetectionJob
            | EmbeddingJob
            | AnyVerificationJob
            | AnyRecognitionJob
            | EnrolmentJob
            | TrainingJob
            | ReembeddingJob
            | ErasureJob,
            Field(discriminator="type"),
        ]
    ]
):
    """A stored request and, once it has ended, its outcome."""

    @classmethod
    def of(cls, job: Job, *, problem_base: str) -> JobResource:
        """Show a job; ``problem_base`` is what relative problem types are relative to."""
        error = job.error
        if error is not None and error.type.startswith("/"):
            error = replace(error, type=problem_base + error.type)
        return cls.model_validate(
            {
                "id": job.id,
                "type": job.type,
                "state": job.state,
                "created_at": job.created_at,
                "started_at": job.started_at,
                "finished_at": job.finished_at,
                "expires_at": job.expires_at,
                "progress": ProgressResource(done=job.progress.done, total=job.progress.total),
                "attempt": job.attempt,
                "result": None if job.result is None else to_document(job.result),
                "error": None if error is None else to_document(error),
                "links": JobLinks(
                    self=f"/v1/jobs/{job.id}",
                    collection=f"/v1/collections/{job.collection_id}"
                    if job.collection_id
                    else None,
                ),
            }
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
