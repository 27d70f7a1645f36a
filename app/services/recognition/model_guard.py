"""Vectors of two models are never compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.errors import ModelChangedError

if TYPE_CHECKING:
    from app.domain.collection import Collection
    from app.domain.detection import AnalysedFace


def require_model(collection: Collection, model: str) -> None:
    """Refuse to search a collection by another model than its own.

    Raises: ModelChangedError: it was the collection's own when the job was begun.
    """
    if collection.model != model:
        raise ModelChangedError


def of_collection(face: AnalysedFace, collection: Collection) -> AnalysedFace:
    """Return a face with the vectors that the collection has now, the one in use first.

    Raises: ModelChangedError: it was begun without one of them.
    """
    vectors = {one.model: one for one in (face.embedding, face.second) if one is not None}
    try:
        return replace(
            face,
            embedding=vectors[collection.model],
            second=vectors[collection.second_model] if collection.second_model else None,
        )
    except KeyError as missing:
        raise ModelChangedError from missing
