"""A trained version of a collection's matcher."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What one retrain made; the newest version of a collection is the one in use."""

    id: UUID
    collection_id: UUID
    model: str
    #: 1 for the first, one more for each after it.
    version: int
    #: The classes, in the order of the weights' rows.
    subject_ids: tuple[UUID, ...]
    #: Number of faces that it learned from.
    face_count: int
    #: The classifier in safetensors form; empty in listings.
    weights: bytes = b""
    metrics: Mapping[str, float] = field(default_factory=dict)
    created_at: datetime
