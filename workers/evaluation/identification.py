"""1:N, open set: how often enrolled people are named while strangers are not.

Terms of ISO/IEC 19795-1: FPIR is the share of strangers' searches that return anybody, DIR the
share of enrolled people's searches that return the right person first (both over the threshold).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from workers.evaluation.dataset import Photograph
from workers.evaluation.intervals import bootstrap_interval, rate_interval, weighted_threshold
from workers.evaluation.matchers import RATES, Matcher
from workers.evaluation.rates import threshold_at


@dataclass(frozen=True, slots=True)
class Trial:
    """One collection and the searches in it; a search without a vector counts, unanswered."""

    vectors: Float32[np.ndarray, "n d"]
    #: Number of each vector's subject, from 0 without a gap.
    labels: Int[np.ndarray, " n"]
    probes: Float32[np.ndarray, "m d"]
    truths: Int[np.ndarray, " m"]
    strangers: Float32[np.ndarray, "s d"]
    #: Searches of enrolled people and of strangers that have no vector.
    lost_probes: int = 0
    lost_strangers: int = 0


def trial(
    photographs: Sequence[Photograph],
    vectors: Mapping[str, Float32[np.ndarray, " d"]],
    people: Sequence[str],
) -> Trial:
    """Enrol ``people``, search for their other photographs and for the strangers'.

    The other people's photographs do not serve as strangers: one wrong name among them would weigh
    more than all the others where one stranger in a thousand counts. A person none of whose
    photographs can be enrolled is left out of the collection, and the searches for them are lost.
    """
    numbers: dict[str, int] = {}
    enrolled: list[tuple[str, int]] = []
    for photograph in photographs:
        wanted = photograph.role == "enrol" and photograph.subject in people
        if wanted and photograph.file in vectors:
            number = numbers.setdefault(photograph.subject, len(numbers))
            enrolled.append((photograph.file, number))
    chosen = set(people)
    probes = [p for p in photographs if p.role == "probe" and p.subject in chosen]
    found = [p for p in probes if p.file in vectors and p.subject in numbers]
    strangers = [p for p in photographs if p.role == "stranger"]
    known = [p.file for p in strangers if p.file in vectors]
    return Trial(
        vectors=np.stack([vectors[file] for file, _ in enrolled]),
        labels=np.array([number for _, number in enrolled]),
        probes=np.stack([vectors[p.file] for p in found]),
        truths=np.array([numbers[p.subject] for p in found]),
        strangers=np.stack([vectors[file] for file in known]),
        lost_probes=len(probes) - len(found),
        lost_strangers=len(strangers) - len(known),
    )


@dataclass(frozen=True, slots=True)
class Searches:
    """The outcome of a trial under one matcher."""

    #: Of each search for an enrolled person the person's number, the best score, and whether that
    #: is theirs.
    subjects: Int[np.ndarray, " m"]
    best: Float[np.ndarray, " m"]
    right: Bool[np.ndarray, " m"]
    #: The best score of each stranger's search.
    strangers: Float[np.ndarray, " s"]
    lost_probes: int
    lost_strangers: int
    #: The scores that the matcher itself would accept, by the name of the target FPIR.
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def dir_at(self, threshold: float) -> float:
        """Return the detection and identification rate at a threshold."""
        return float((self.right & (self.best >= threshold)).sum()) / (
            len(self.best) + self.lost_probes
        )

    def fpir_at(self, threshold: float) -> float:
        """Return the false positive identification rate at a threshold."""
        return float((self.strangers >= threshold).sum()) / (
            len(self.strangers) + self.lost_strangers
        )

    def threshold_at(self, fpir: float) -> float:
        """Return the lowest threshold that keeps to a false positive identification rate."""
        lost = np.full(self.lost_strangers, -np.inf)
        return threshold_at(np.concatenate([self.strangers, lost]), fpir)

    def dir_interval(self, fpir: float) -> list[float]:
        """Return the 95 % interval of the DIR at an FPIR over draws of people and of strangers.

        Each stranger is a person of their own; searches without a vector stay as they are.
        """
        order = np.argsort(-self.strangers)
        allowed = fpir * (len(self.strangers) + self.lost_strangers)

        def rate(people: Int[np.ndarray, " n"], strangers: Int[np.ndarray, " s"]) -> float:
            threshold = weighted_threshold(self.strangers[order], strangers[order], allowed)
            own = people[self.subjects]
            found = own * (self.right & (self.best >= threshold))
            searches = own.sum() + self.lost_probes
            return float(found.sum() / searches) if searches else np.nan

        return bootstrap_interval(rate, int(self.subjects.max()) + 1, len(self.strangers))


def search(subject: Trial, matcher: Matcher) -> Searches:
    """Run all searches of a trial."""
    found = matcher(
        np.concatenate([subject.probes, subject.strangers]), subject.vectors, subject.labels
    )
    own, others = np.split(found.scores, [len(subject.probes)])
    return Searches(
        subjects=subject.truths,
        best=own.max(axis=1),
        right=own.argmax(axis=1) == subject.truths,
        strangers=others.max(axis=1),
        lost_probes=subject.lost_probes,
        lost_strangers=subject.lost_strangers,
        thresholds=found.thresholds,
    )


def summary(searches: Searches) -> dict[str, Any]:
    """Return the rates of one trial under one matcher.

    ``..._at_fpir_...`` are at thresholds read off the strangers themselves, as the literature has
    it; ``..._reached_for_...`` at those that the matcher set itself without having seen them.
    """
    result: dict[str, Any] = {"rank1": searches.dir_at(-np.inf)}
    for name, rate in RATES.items():
        threshold = searches.threshold_at(rate)
        result |= {
            f"dir_at_fpir_{name}": searches.dir_at(threshold),
            f"threshold_at_fpir_{name}": threshold,
        }
    return result | reached(searches)


def reached(searches: Searches) -> dict[str, float]:
    """Return the rates at the thresholds that the matcher set itself."""
    result: dict[str, float] = {}
    for name, threshold in searches.thresholds.items():
        result |= {
            f"fpir_reached_for_{name}": searches.fpir_at(threshold),
            f"dir_reached_for_{name}": searches.dir_at(threshold),
        }
    return result


def intervals(searches: Searches) -> dict[str, list[float]]:
    """Return the 95 % intervals of the DIR and of the FPIR reached in one trial."""
    strangers = len(searches.strangers) + searches.lost_strangers
    return {
        f"dir_at_fpir_{name}_interval": searches.dir_interval(rate) for name, rate in RATES.items()
    } | {
        f"fpir_reached_for_{name}_interval": rate_interval(searches.fpir_at(threshold), strangers)
        for name, threshold in searches.thresholds.items()
    }
