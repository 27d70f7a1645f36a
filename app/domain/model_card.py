"""What has to be known of an embedding model before its vectors are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Preprocessing = Literal["prewhiten", "standardise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a caller must know of an embedding model before comparing its vectors."""

    id: str
    dimension: int
    #: Side of the square face crop in pixels.
    input_size: int
    #: ``prewhiten``: mean 0 and deviation 1 per crop; ``standardise``: ``(x - 127.5) / 128``.
    preprocessing: Preprocessing
    licence: str
    training_set: str
    source: str
