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


#: The change of a collection's size, as a share of it, after which a threshold is fitted again.
_STALE_AFTER = 0.02

#: Beyond it the logistic curve is flat in double precision, and its exponential would overflow.
_LARGE = 700.0


class Decision(StrEnum):
    """What the service says about a probe."""

    MATCH = "match"
    POSSIBLE = "possible"
    UNKNOWN = "unknown"


class Matcher(StrEnum):
    """How a probe is scored against the subjects of a collection."""

    #: By the classifier while it knows every enrolled subject, else by the prototypes.
    AUTO = "auto"
    #: By the cosine with the most similar face.
    NEAREST = "nearest"
    #: By the share in a softmax over the cosines with every subject's mean face.
    PROTOTYPE = "prototype"
    #: By the share that a classifier gives, which was trained on the collection.
    CLASSIFIER = "classifier"


#: What cosines with prototypes are multiplied with before the softmax: of 10, 12 and 15 the one
#: with the best open-set identification rate at 50, 100 and 250 people on LFW.
PROTOTYPE_SCALE = 12.0

#: Subjects up to which all prototypes are compared with a probe; beyond it the search is by faces,
#: through their index.
PROTOTYPES_UP_TO = 50_000

#: The part of a cohort's scores that a ``StrangerTail`` is fitted to; of 0.1, 0.15, 0.2
#: and 0.3 the one whose thresholds came nearest their targets on LFW.
TAIL = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Cosine similarities from which a candidate is a match, or worth a look."""

    match: float
    possible: float

    def __post_init__(self) -> None:
        if not -1 <= self.possible <= self.match <= 1:
            raise ValueError("The thresholds must satisfy -1 <= possible <= match <= 1.")

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
    #: The probability that the probe shows this subject, 0 to 1; absent until it is calibrated.
    probability: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectShare:
    """A subject's part in a probe, compared with every enrolled subject."""

    subject_id: UUID
    subject: str
    #: 0 to 1; the shares of all subjects of a collection add up to 1.
    share: float
    #: The subject's face that is most similar to the probe, and its cosine, -1 to 1.
    face_id: UUID
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerTail:
    """Which shares strangers reach: the logits of their best shares have an exponential tail."""

    #: The logit that a part ``TAIL`` of the strangers exceeds, and by how much it does on average.
    tail_start: float
    tail_mean: float

    def threshold(self, target_fpir: float) -> float:
        """Return the share that this part of strangers' searches is expected to reach."""
        return _sigmoid(self.tail_start + self.tail_mean * math.log(TAIL / target_fpir))

    def expected_fpir(self, share: float) -> float:
        """Return the part of strangers' searches expected to reach a share; at most ``TAIL``."""
        excess = max(_logit(share) - self.tail_start, 0.0)
        return TAIL * math.exp(-excess / self.tail_mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareReading(StrangerTail):
    """How the shares of one collection's subjects are read, after a cohort of strangers.

    A logistic curve leads from a logit to the probability of identity, for searches that are as
    often for enrolled people as not.
    """

    slope: float
    intercept: float
    #: How many subjects had faces when the cohort was compared with them.
    subjects: int

    def probability(self, share: float) -> float:
        """Return the probability, 0 to 1, that the best subject is the person searched for."""
        return _sigmoid(self.slope * _logit(share) + self.intercept)

    def is_current(self, subjects: int) -> bool:
        """Whether a collection of so many subjects is still about the one compared."""
        return abs(subjects - self.subjects) <= self.subjects * _STALE_AFTER


def _logit(share: float) -> float:
    share = min(max(share, 1e-12), 1 - 1e-12)
    return math.log(share / (1 - share))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -_LARGE else 0.0


def cosine(first: Embedding, second: Embedding) -> float:
    """Return the cosine similarity of two embeddings, -1 to 1.

    Raises: ModelMismatchError: the embeddings come from different models.
    """
    if first.model != second.model:
        raise ModelMismatchError(
            f"Embeddings of {first.model} and {second.model} cannot be compared. Embed both images "
            "with one model."
        )
    return sum(a * b for a, b in zip(first.vector, second.vector, strict=True))
