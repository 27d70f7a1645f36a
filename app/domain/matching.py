"""From similarities to decisions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domain.errors import ModelMismatchError

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.embedding import Embedding


class Decision(StrEnum):
    """What the service says about a probe."""

    MATCH = "match"
    POSSIBLE = "possible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Cosine similarities from which a candidate is a match, or worth a look."""

    match: float
    possible: float

    def __post_init__(self) -> None:
        if not -1 <= self.possible <= self.match <= 1:
            raise ValueError("thresholds must satisfy -1 <= possible <= match <= 1")

    def decide(self, similarity: float | None) -> Decision:
        """Judge the best candidate's similarity; ``None`` stands for no candidate at all."""
        if similarity is None or similarity < self.possible:
            return Decision.UNKNOWN
        return Decision.MATCH if similarity >= self.match else Decision.POSSIBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Turns the cosine of a pair into the probability that both are one person.

    A logistic curve ``1 / (1 + exp(-(slope * cosine + intercept)))`` for pairs that are as often
    genuine as not.
    """

    slope: float
    intercept: float

    def probability(self, similarity: float) -> float:
        """Return the probability, 0 to 1."""
        return 1 / (1 + math.exp(-(self.slope * similarity + self.intercept)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A subject that a probe may be, with the face that speaks for it."""

    subject_id: UUID
    subject: str
    face_id: UUID
    #: Cosine of the probe with that face, -1 to 1.
    similarity: float
    #: The probability that the probe shows this subject, 0 to 1; set once calibrated.
    probability: float | None = None


def cosine(first: Embedding, second: Embedding) -> float:
    """Return the cosine similarity of two embeddings, -1 to 1.

    Raises: ModelMismatchError: the embeddings come from different models.
    """
    if first.model != second.model:
        raise ModelMismatchError(
            f"embeddings of {first.model} and {second.model} cannot be compared; embed both images "
            "with one model"
        )
    return sum(a * b for a, b in zip(first.vector, second.vector, strict=True))
