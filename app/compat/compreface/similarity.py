"""CompreFace's similarity: a curve over the Euclidean distance of two unit vectors."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FILE = Path(__file__).with_name("similarity.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarityCurve:
    """``(tanh((c0 - distance) * c1) + 1) / 2``.

    Source: CompreFace 1.2.0, ``EuclideanDistanceClassifier``.

    >>> curve = SimilarityCurve(c0=1.1817961, c1=5.291995557)
    >>> [round(curve.of_cosine(cosine), 5) for cosine in (0.8, 0.5, 0.0)]
    [0.99702, 0.8726, 0.07872]
    """

    c0: float
    c1: float

    def of_cosine(self, cosine: float) -> float:
        """Return the similarity, 0 to 1, of two unit vectors with that cosine."""
        distance = math.sqrt(max(2 - 2 * cosine, 0.0))
        return (math.tanh((self.c0 - distance) * self.c1) + 1) / 2


@cache
def load_curves() -> Mapping[str, SimilarityCurve]:
    """Return the curve of each model by its id."""
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        model: SimilarityCurve(c0=entry["c0"], c1=entry["c1"]) for model, entry in entries.items()
    }


def unit(vector: Sequence[float]) -> tuple[float, ...] | None:
    """Return the vector scaled to length 1, or ``None`` where that is not possible."""
    length = math.hypot(*vector)
    if not math.isfinite(length) or length == 0:
        return None
    return tuple(value / length for value in vector)
