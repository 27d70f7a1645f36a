from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import (
    Change,
    CollectionName,
    Example,
    Page,
    PageQuery,
    Schema,
    Similarity,
)
from app.domain.matching import Matcher
from app.domain.quality import QualityGate

if TYPE_CHECKING:
    from app.domain.collection import Collection

_MatchFrom = Annotated[
    Similarity | None,
    Field(description="Cosine from which a candidate is a match; the model's own when null."),
]
_PossibleFrom = Annotated[
    Similarity | None,
    Field(description="Cosine from which a candidate is possible; the model's own when null."),
]
_TargetFpir = Annotated[
    float,
    Field(
        ge=0.0001,
        le=0.5,
        description="The share of strangers that may be taken for a subject; sets the threshold "
        "unless similarity_threshold does.",
    ),
]
_QualityGate = Annotated[
    QualityGate, Field(description="Which faces are refused when they are enrolled.")
]
_RetentionDays = Annotated[
    int | None,
    Field(ge=1, le=36500, description="Days after which an enrolled face is deleted; null: never."),
]

_RequireConsent = Annotated[
    bool, Field(description="Whether faces are enrolled only of subjects with a valid consent.")
]
_KeepProbes = Annotated[
    bool, Field(description="Whether the photographs of recognitions stay with their jobs.")
]
_JobRetentionH = Annotated[
    int | None,
    Field(
        ge=1,
        le=876_000,
        description="Hours for which ended jobs are kept; null, or more than the service's own: "
        "the service's own.",
    ),
]


class CollectionRequest(Schema):
    """A collection to make."""

    name: CollectionName
    model: Annotated[
        str | None,
        Field(
            max_length=100,
            description="The id of its model; the loaded one when absent.",
            examples=["facenet-msceleb-128"],
        ),
    ] = None
    matcher: Annotated[
        Matcher, Field(description="How a probe is scored against the subjects.")
    ] = Matcher.AUTO
    target_fpir: _TargetFpir = 0.01
    similarity_threshold: _MatchFrom = None
    possible_threshold: _PossibleFrom = None
    quality_gate: _QualityGate = QualityGate.BASIC
    keep_images: Annotated[
        bool, Field(description="Whether the photographs of enrolled faces are kept.")
    ] = True
    retention_days: _RetentionDays = None
    require_consent: _RequireConsent = False
    keep_probes: _KeepProbes = False
    job_retention_h: _JobRetentionH = None


class CollectionChange(Change):
    """Settings to change; those absent stay, and the model is changed by calls of its own."""

    EXAMPLE: ClassVar[Example] = {"target_fpir": 0.01}

    name: CollectionName = Field(default="", validate_default=False)
    matcher: Matcher = Matcher.AUTO
    target_fpir: _TargetFpir = 0.01
    similarity_threshold: _MatchFrom = None
    possible_threshold: _PossibleFrom = None
    quality_gate: _QualityGate = QualityGate.BASIC
    keep_images: bool = True
    retention_days: _RetentionDays = None
    require_consent: _RequireConsent = False
    keep_probes: _KeepProbes = False
    job_retention_h: _JobRetentionH = None


class CollectionResource(Schema):
    """A named set of subjects and faces with its own model and settings."""

    id: UUID
    name: Annotated[str, Field(examples=["staff"])]
    model: Annotated[str, Field(examples=["facenet-msceleb-128"])]
    matcher: Matcher
    target_fpir: float
    similarity_threshold: Annotated[float | None, Field(examples=[None])]
    possible_threshold: Annotated[float | None, Field(examples=[None])]
    quality_gate: QualityGate
    keep_images: bool
    retention_days: Annotated[int | None, Field(examples=[None])]
    require_consent: bool
    keep_probes: bool
    job_retention_h: Annotated[int | None, Field(examples=[None])]
    created_at: datetime

    @classmethod
    def of(cls, collection: Collection) -> CollectionResource:
        """Show a collection."""
        return cls(
            id=collection.id,
            name=collection.name,
            model=collection.model,
            matcher=collection.matcher,
            target_fpir=collection.target_fpir,
            similarity_threshold=collection.similarity_threshold,
            possible_threshold=collection.possible_threshold,
            quality_gate=collection.quality_gate,
            keep_images=collection.keep_images,
            retention_days=collection.retention_days,
            require_consent=collection.require_consent,
            keep_probes=collection.keep_probes,
            job_retention_h=collection.job_retention_h,
            created_at=collection.created_at,
        )


class CollectionQuery(PageQuery):
    """Which collections to list."""

    name: Annotated[
        str | None,
        Field(description="Only the collection of exactly this name, or else of its clean form."),
    ] = None


class CollectionPage(Page):
    """Collections by name."""

    items: list[CollectionResource]
