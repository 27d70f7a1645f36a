from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from app.api.schemas.base import Schema

if TYPE_CHECKING:
    from app.domain.model import ModelProfile


class ThresholdsResource(Schema):
    """Cosines from which a candidate is a match, or possible."""

    match: float
    possible: float


class ModelResource(Schema):
    """An embedding model that the service knows."""

    id: str
    dimension: int
    active: Annotated[bool, Field(description="Whether the service runs this one.")]
    thresholds: ThresholdsResource
    licence: str
    training_set: str

    @classmethod
    def of(cls, model: ModelProfile, *, active: bool) -> ModelResource:
        """Show a model."""
        return cls(
            id=model.id,
            dimension=model.dimension,
            active=active,
            thresholds=ThresholdsResource(
                match=model.thresholds.match, possible=model.thresholds.possible
            ),
            licence=model.licence,
            training_set=model.training_set,
        )


class ModelList(Schema):
    """Every model of the manifest."""

    items: list[ModelResource]
