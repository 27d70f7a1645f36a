"""The matchers of the service, each as one table of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workers.matching.classifier import LogisticClassifier, fit_classifier
from workers.matching.scoring import nearest_similarities, softmax_shares, subject_prototypes

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float, Float32, Int

    Matcher = Callable[
        [
            Float32[np.ndarray, "m d"],
            Float32[np.ndarray, "n d"],
            Int[np.ndarray, " n"],
        ],
        Float[np.ndarray, "m subjects"],
    ]


def nearest(
    probes: Float32[np.ndarray, "m d"],
    vectors: Float32[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
) -> Float[np.ndarray, "m subjects"]:
    """Score by the most similar enrolled face, as the search in the database does."""
    return nearest_similarities(probes, vectors, labels)


def centroid(
    probes: Float32[np.ndarray, "m d"],
    vectors: Float32[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
) -> Float[np.ndarray, "m subjects"]:
    """Score by the cosine with the subject's prototype."""
    similarities: Float[np.ndarray, "m subjects"] = probes @ subject_prototypes(vectors, labels).T
    return similarities


def prototype(
    probes: Float32[np.ndarray, "m d"],
    vectors: Float32[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
) -> Float[np.ndarray, "m subjects"]:
    """Score by the softmax over the cosines with all prototypes."""
    return softmax_shares(centroid(probes, vectors, labels))


def classifier(
    probes: Float32[np.ndarray, "m d"],
    vectors: Float32[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
) -> Float[np.ndarray, "m subjects"]:
    """Score by the share that a trained classifier gives."""
    fitted = LogisticClassifier(fit_classifier(vectors, labels).weights)
    return np.stack([fitted.shares(probe) for probe in probes])


MATCHERS: dict[str, Matcher] = {
    "nearest": nearest,
    "centroid": centroid,
    "prototype": prototype,
    "classifier": classifier,
}

#: The one whose figures stand for all where one has to.
DEFAULT_MATCHER = "prototype"
