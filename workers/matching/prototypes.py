"""Open-set identification by prototypes, without training.

A probe's share in a subject is its softmax over the cosines with every subject's prototype and with
a cohort of strangers. The gain over the bare cosine is the normalisation: a probe that is like many
people is like none of them in particular. The strangers keep that normalisation alike for
collections of 5 people and of 500, and they show from which share on a match is reliable.
"""

import numpy as np
from jaxtyping import Float, Float32

from app.domain.matching import PROTOTYPE_SCALE, ShareReading
from workers.matching.cohort import Cohort
from workers.matching.tail import fit_tail

#: A stranger this like a probe is perhaps the same person, and no part of its background.
_SAME_PERSON = 0.7

#: Of Newton's method; it takes about eight steps.
_MOST_STEPS = 50
_CONVERGED = 1e-8
#: Holds the curve's slope finite where no stranger comes near the genuine pairs.
_PULL = 1e-9
#: A logit beyond which the curve is flat to double precision.
_FLAT = 36.0


def background(probes: Float32[np.ndarray, "m d"], cohort: Cohort) -> Float[np.ndarray, " m"]:
    """Return what the strangers weigh beside the subjects: the sum of their powers.

    The power of a cosine is ``exp(PROTOTYPE_SCALE * (cosine - 1))``.
    """
    cosines = probes @ cohort.strangers.T
    sums: Float[np.ndarray, " m"] = _powers(cosines).sum(axis=1, where=cosines < _SAME_PERSON)
    return sums


def prototype_shares(
    probes: Float32[np.ndarray, "m d"],
    prototypes: Float32[np.ndarray, "subjects d"],
    cohort: Cohort,
) -> Float[np.ndarray, "m subjects"]:
    """Return each subject's share of each probe, in the order of the prototypes.

    They add up to less than 1; the rest belongs to the strangers.
    """
    powers = _powers(probes @ prototypes.T)
    shares: Float[np.ndarray, "m subjects"] = powers / (
        powers.sum(axis=1) + background(probes, cohort)
    ).reshape(-1, 1)
    return shares


def read_shares(prototypes: Float32[np.ndarray, "subjects d"], cohort: Cohort) -> ShareReading:
    """Fit thresholds and probability by searching for every stranger among the others.

    Needs a few dozen strangers. Run it whenever the collection has grown by some people: it takes a
    product of strangers with prototypes and one of strangers with each other.
    """
    powers = _powers(cohort.strangers @ prototypes.T)
    best = powers.max(axis=1)
    others = powers.sum(axis=1) - best + background(cohort.strangers, cohort)
    logits = np.log(best / others)
    tail = fit_tail(logits)
    genuine = PROTOTYPE_SCALE * (cohort.genuine - 1) - np.log(np.median(others))
    slope, intercept = fit_curve(genuine, logits)
    return ShareReading(
        tail_start=tail.tail_start,
        tail_mean=tail.tail_mean,
        slope=slope,
        intercept=intercept,
        subjects=len(prototypes),
    )


def _powers(cosines: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m n"]:
    powers: Float[np.ndarray, "m n"] = np.exp(PROTOTYPE_SCALE * (cosines - 1))
    return powers


def fit_curve(
    genuine: Float[np.ndarray, " n"], strangers: Float[np.ndarray, " m"]
) -> tuple[float, float]:
    """Return slope and intercept of the logistic curve between two classes of equal weight.

    Newton's method: scikit-learn would do it as well, but every worker would carry it for this.
    """
    sizes = len(genuine), len(strangers)
    scores = np.concatenate([genuine, strangers])
    design = np.stack([scores, np.ones_like(scores)], axis=1)
    same = np.repeat([1.0, 0.0], sizes)
    weights = np.repeat([0.5 / size for size in sizes], sizes)
    found = np.zeros(2)
    for _ in range(_MOST_STEPS):
        shares = 1 / (1 + np.exp(-np.clip(design @ found, -_FLAT, _FLAT)))
        gradient = design.T @ (weights * (shares - same)) + _PULL * found
        bend = (design * (weights * shares * (1 - shares))[:, None]).T @ design + _PULL * np.eye(2)
        step = np.linalg.solve(bend, gradient)
        found -= step
        if np.abs(step).max() < _CONVERGED:
            break
    return float(found[0]), float(found[1])
