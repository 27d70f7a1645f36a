from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from app.api.schemas.base import MAX_PAGE_SIZE, Schema, Similarity
from app.api.schemas.jobs import ProgressResource
from app.api.schemas.results import DescribedAs, ReembeddingReport
from app.domain.documents import to_document
from app.domain.job import JobState
from app.domain.reembedding import ReembeddingState

if TYPE_CHECKING:
    from app.services.models.change import Progressing

_LeaveBehind = Annotated[
    bool,
    Field(
        description="Whether faces without a usable photograph may be left behind: they are in no "
        "search by the new model, and are deleted when the change is finished."
    ),
]


class ReembeddingRequest(Schema):
    """The model that a collection changes to."""

    model: Annotated[
        str, Field(description="One of those of GET /v1/models.", examples=["facenet-casia-512"])
    ]
    activate: Annotated[
        bool,
        Field(
            description="Switch as soon as every face is embedded, without a look at the report."
        ),
    ] = False
    drop_faces_without_photograph: _LeaveBehind = False
    similarity_threshold: Annotated[
        Similarity | None,
        Field(
            description="The collection's own threshold by the new model; the model's if absent."
        ),
    ] = None
    possible_threshold: Annotated[
        Similarity | None, Field(description="The same for a candidate that is worth a look.")
    ] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        match, possible = self.similarity_threshold, self.possible_threshold
        if match is not None and possible is not None and possible > match:
            raise ValueError("The possible_threshold must not exceed the similarity_threshold.")
        return self


class ActivationRequest(Schema):
    """What may be left behind."""

    drop_faces_without_photograph: _LeaveBehind = False


class ReembeddingLinks(Schema):
    """Where to go from a change of model."""

    self: str
    job: str
    collection: str


class ReembeddingResource(Schema):
    """A change of a collection's model."""

    id: UUID
    collection_id: UUID
    model: str
    former_model: str
    state: ReembeddingState
    progress: Annotated[
        ProgressResource | None, Field(description="Faces, of the job that worked on it last.")
    ]
    job_state: Annotated[
        JobState | None,
        Field(description="Dead or failed: look at the job's error, then resume or cancel."),
    ]
    activate: bool
    drop_faces_without_photograph: bool
    report: Annotated[
        dict[str, Any] | None,
        DescribedAs(ReembeddingReport),
        Field(description="Both models on this collection; see the page on operations."),
    ]
    created_at: datetime
    activated_at: datetime | None
    links: ReembeddingLinks

    @classmethod
    def of(cls, found: Progressing) -> ReembeddingResource:
        """Show a change."""
        change, job = found.change, found.job
        home = f"/v1/collections/{change.collection_id}"
        return cls(
            id=change.id,
            collection_id=change.collection_id,
            model=change.model,
            former_model=change.former_model,
            state=change.state,
            progress=None
            if job is None
            else ProgressResource(done=job.progress.done, total=job.progress.total),
            job_state=None if job is None else job.state,
            activate=change.activate,
            drop_faces_without_photograph=change.drop_faces_without_photograph,
            report=None if change.report is None else to_document(change.report),
            created_at=change.created_at,
            activated_at=change.activated_at,
            links=ReembeddingLinks(
                self=f"{home}/reembeddings/{change.id}",
                job=f"/v1/jobs/{change.job_id}",
                collection=home,
            ),
        )


class ReembeddingQuery(Schema):
    """How many changes to list."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)] = 20


class ReembeddingList(Schema):
    """Changes, newest first."""

    items: list[ReembeddingResource]
