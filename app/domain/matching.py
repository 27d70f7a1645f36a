"""From similarities to decisions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domain.errors import ModelMismatchError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.domain.embedding import Embedding


#: The change of a collection's size, as a share of it, after which a threshold is fitted anew.
_STALE_AFTER = 0.02


class Decision(StrEnum):
    """What the service says about a probe."""

    MATCH = "match"
    POSSIBLE = "possible"
    UNKNOWN = "unknown"


class Matcher(StrEnum):
    """How a probe is scored against the subjects of a collection."""

    #: By the classifier while it knows everybody enrolled, else by the prototypes.
    AUTO = "auto"
    #: By the cosine with the most similar face.
    NEAREST = "nearest"
    #: By the share in a softmax over the cosines with every subject's mean face.
    PROTOTYPE = "prototype"
    #: By the share that a classifier gives, which was trained on the collection.
    CLASSIFIER = "classifier"


#: What cosines with prototypes are multiplied with before the softmax: of 5, 8, 10, 12, 15 and 20
#: the one with the best open-set identification rate on LFW.
PROTOTYPE_SCALE = 10.0


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
    #: What the matcher ranks by: a share of 0 to 1, or the similarity again.
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectShare:
    """A subject's part in a probe, compared with everybody enrolled."""

    subject_id: UUID
    subject: str
    #: 0 to 1; the shares of all subjects of a collection add up to 1.
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedThreshold:
    """The score that a share ``target_fpir`` of strangers exceeds in a collection."""

    target_fpir: float
    #: How many subjects had faces when it was fitted.
    subjects: int
    threshold: float
    fitted_at: datetime

    def is_current(self, *, target_fpir: float, subjects: int) -> bool:
        """Whether the collection is still about the one that it was fitted for."""
        grown = abs(subjects - self.subjects)
        return self.target_fpir == target_fpir and grown <= self.subjects * _STALE_AFTER


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
