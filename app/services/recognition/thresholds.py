"""Which thresholds hold: the request's, else the collection's, else the model's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.matching import Thresholds

if TYPE_CHECKING:
    from app.domain.collection import Collection
    from app.domain.job_parameters import JudgedParameters
    from app.domain.model import ModelProfile


def thresholds_for(
    parameters: JudgedParameters, collection: Collection | None, model: ModelProfile
) -> Thresholds:
    """Resolve each threshold on its own; ``possible`` never exceeds ``match``."""
    match = parameters.similarity_threshold
    possible = parameters.possible_threshold
    if collection is not None:
        match = collection.similarity_threshold if match is None else match
        possible = collection.possible_threshold if possible is None else possible
    match = model.thresholds.match if match is None else match
    possible = model.thresholds.possible if possible is None else possible
    return Thresholds(match=match, possible=min(possible, match))


def is_explicit(parameters: JudgedParameters, collection: Collection) -> bool:
    """Whether somebody has chosen the similarity that makes a match."""
    return (
        parameters.similarity_threshold is not None or collection.similarity_threshold is not None
    )
