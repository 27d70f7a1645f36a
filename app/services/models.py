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
        raise ModelMismatchError(mismatch(collection.model, running))


def mismatch(stored: str, running: str) -> str:
    """Say what is wrong with a collection of another model, and what to do about it."""
    return (
        f"the vectors are of {stored}, the service runs {running}; start the service with "
        f"VULTUS_MODEL={stored}, or make a new collection and enrol its people again"
    )
