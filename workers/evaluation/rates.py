"""Error rates of similarity scores.

Terms of ISO/IEC 19795-1: FMR is the share of impostor comparisons at or over a threshold, FNMR the
share of genuine ones below it.
"""

import numpy as np
from jaxtyping import Bool, Float

Scores = Float[np.ndarray, " n"]

#: A comparison that could not be made: below every threshold.
NOT_COMPARED = -2.0


def threshold_at(impostors: Scores, rate: float) -> float:
    """Return the lowest threshold that at most this share of the scores reaches or exceeds.

    It lies just above a score of the list, so with few scores the rate reached may be well below
    the one asked for; with fewer than ``1 / rate`` of them no score at all reaches it.

    >>> threshold_at(np.array([0.1, 0.2, 0.3, 0.4]), 0.25) > 0.3
    True
    """
    if not len(impostors):
        raise ValueError("A threshold at a false match rate needs scores of impostors.")
    allowed = int(np.floor(rate * len(impostors) + 1e-9))
    if allowed >= len(impostors):
        return float(impostors.min())
    return float(np.nextafter(np.sort(impostors)[::-1][allowed], np.inf))


def false_non_match_rate(genuine: Scores, threshold: float) -> float:
    """Return the share of genuine scores below a threshold."""
    return float((genuine < threshold).mean())


def best_accuracy_threshold(scores: Scores, same: Bool[np.ndarray, " n"]) -> float:
    """Return the threshold with the most right decisions; of equals the middle one.

    Thresholds half way between neighbouring scores are tried.
    """
    order = np.argsort(scores)
    ranked, labels = scores[order], same[order]
    # accepted are the scores from a place on: right are the genuine there, the impostors before
    right = np.concatenate([[0], np.cumsum(~labels)]) + np.concatenate(
        [np.cumsum(labels[::-1])[::-1], [0]]
    )
    edges = np.concatenate([[ranked[0] - 1], (ranked[1:] + ranked[:-1]) / 2, [ranked[-1] + 1]])
    right[1:-1][ranked[1:] == ranked[:-1]] = -1  # no threshold separates equals
    best = np.flatnonzero(right == right.max())
    return float(edges[best[len(best) // 2]])


def expected_calibration_error(
    probabilities: Scores, same: Bool[np.ndarray, " n"], *, bins: int = 15
) -> float:
    """Return how far stated probabilities are from the shares that came true, weighted by number.

    Source: Guo et al. 2017 (arXiv 1706.04599), equation 3: bins of equal width over 0 to 1.
    """
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    error = sum(
        abs(float((probabilities[places == place] - same[places == place]).sum()))
        for place in np.unique(places)
    )
    return error / len(probabilities)


def log_likelihood_ratio_cost(probabilities: Scores, same: Bool[np.ndarray, " n"]) -> float:
    """Return what stated probabilities cost in bits; 1 is the cost of always saying one half.

    Unlike the calibration error it punishes an error by how sure it was, and rewards telling apart.
    ``probabilities`` are for a prior of one half. Not finite where one that is 0 or 1 is wrong.
    Source: Bruemmer and du Preez 2006, "Application-independent evaluation of speaker detection",
        the cost Cllr.

    >>> log_likelihood_ratio_cost(np.array([0.5, 0.5]), np.array([True, False]))
    1.0
    """
    with np.errstate(divide="ignore"):
        genuine = -np.log2(probabilities[same]).mean()
        impostor = -np.log2(1 - probabilities[~same]).mean()
    return float(genuine + impostor) / 2
