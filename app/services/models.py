"""Vectors of two models are never compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import ModelMismatchError

if TYPE_CHECKING:
    from app.domain.collection import Collection


def require_model(collection: Collection, running: str) -> None:
    """Refuse to work on a collection with another model than the one that made its vectors.

    Raises: ModelMismatchError: with what to do about it.
    """
    if collection.model != running:
        raise ModelMismatchError(
            f"the collection holds vectors of {collection.model}, the service runs {running}; "
            f"start the service with VULTUS_MODEL={collection.model}, or make a new collection and "
            "enrol its people again"
        )
