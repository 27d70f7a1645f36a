"""The matchers of the service, each as one table of scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from jaxtyping import Float, Float32, Int

from workers.matching.classifier import LogisticClassifier, fit_classifier
from workers.matching.cohort import Cohort
from workers.matching.prototypes import prototype_shares, read_shares
from workers.matching.scoring import nearest_similarities, subject_prototypes

Matcher = Callable[
    [
        Float32[np.ndarray, "m d"],
        Float32[np.ndarray, "n d"],
        Int[np.ndarray, " n"],
    ],
    "Scored",
]

#: The one whose figures stand for all where one has to.
DEFAULT_MATCHER = "prototype"

#: Target false positive identification rates, by the name that they are reported under.
RATES = {"1e-2": 1e-2, "1e-3": 1e-3}


@dataclass(frozen=True, slots=True)
class Scored:
    """Each probe's score for each subject, and the scores that the matcher itself would accept."""

    scores: Float[np.ndarray, "m subjects"]
    #: By the name of the target rate; empty where the matcher sets no threshold.
    thresholds: Mapping[str, float] = field(default_factory=dict)


def nearest(
    probes: Float32[np.ndarray, "m d"],
    vectors: Float32[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
) -> Scored:
    """Score by the most similar enrolled face, as the search in the database does."""
    return Scored(nearest_similarities(probes, vectors, labels))


def centroid(
    probes: Float32[np.ndarray, "m d"],
    vectors: Float32[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
) -> Scored:
    """Score by the cosine with the subject's prototype."""
    return Scored(probes @ subject_prototypes(vectors, labels).T)


def prototype(
    probes: Float32[np.ndarray, "m d"],
    vectors: Float32[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    *,
    cohort: Cohort,
) -> Scored:
    """Score by the share among all prototypes and the cohort's strangers."""
    prototypes = subject_prototypes(vectors, labels)
    reading = read_shares(prototypes, cohort)
    return Scored(
        prototype_shares(probes, prototypes, cohort),
        {name: reading.threshold(rate) for name, rate in RATES.items()},
    )


def classifier(
    probes: Float32[np.ndarray, "m d"],
    vectors: Float32[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    *,
    cohort: Cohort,
) -> Scored:
    """Score by the share that a trained classifier gives."""
    nothing = np.zeros(len(labels), dtype=bool)
    fitted = LogisticClassifier(fit_classifier(vectors, labels, nothing, cohort.strangers))
    return Scored(
        fitted.shares(probes), {name: fitted.tail.threshold(rate) for name, rate in RATES.items()}
    )


#: Names of the matchers that :func:`matchers` gives.
NAMES = ("nearest", "centroid", "prototype", "classifier")


def matchers(cohort: Cohort) -> dict[str, Matcher]:
    """Return every matcher by name."""
    return {
        "nearest": nearest,
        "centroid": centroid,
        "prototype": partial(prototype, cohort=cohort),
        "classifier": partial(classifier, cohort=cohort),
    }
