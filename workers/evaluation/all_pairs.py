"""Every photograph against every other one: what a list of pairs is too short to tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from app.domain.quality import FaceQuality
from workers.evaluation.intervals import bootstrap_interval, weighted_threshold
from workers.evaluation.rates import false_non_match_rate, threshold_at

RATES = {"1e-3": 1e-3, "1e-4": 1e-4}

#: The part of the impostor scores that is kept for draws of people: no threshold lies below it.
_HIGHEST = 0.02

#: Which photographs count as poor by one value of their quality, and for which values a high one
#: is poor.
_POOR = 0.1
_HIGH_IS_POOR = {"turn"}


@dataclass(frozen=True, slots=True)
class AllPairs:
    """The comparisons of n photographs; a photograph without a vector is in none."""

    files: tuple[str, ...]
    #: The number of each photograph's person, who is named by the folder.
    people: Int[np.ndarray, " n"]
    first: Int[np.ndarray, " pairs"]
    second: Int[np.ndarray, " pairs"]
    scores: Float[np.ndarray, " pairs"]
    same: Bool[np.ndarray, " pairs"]


def all_pairs(vectors: Mapping[str, Float32[np.ndarray, " d"]]) -> AllPairs:
    """Compare every photograph with every other one."""
    files = tuple(sorted(vectors))
    _, people = np.unique([file.split("/")[0] for file in files], return_inverse=True)
    rows = np.stack([vectors[file] for file in files])
    first, second = np.triu_indices(len(files), k=1)
    scores = (rows @ rows.T)[first, second]
    return AllPairs(files, people, first, second, scores, people[first] == people[second])


def all_pairs_rates(
    found: AllPairs, qualities: Mapping[str, FaceQuality] | None = None
) -> dict[str, Any]:
    """Return TAR at low FMR with intervals, and both errors by the photographs' quality.

    It is empty where no one has two photographs, or only one person has any.
    """
    if not found.same.any() or found.same.all():
        return {}
    genuine, impostors = found.scores[found.same], found.scores[~found.same]
    result: dict[str, Any] = {
        "photographs": len(found.files),
        "people": int(found.people.max()) + 1,
        "genuine": len(genuine),
        "impostors": len(impostors),
    }
    for name, rate in RATES.items():
        threshold = threshold_at(impostors, rate)
        result |= {
            f"tar_at_fmr_{name}": 1 - false_non_match_rate(genuine, threshold),
            f"tar_at_fmr_{name}_interval": _tar_interval(found, rate),
            f"threshold_at_fmr_{name}": threshold,
        }
    if qualities:
        result["by_quality"] = by_quality(found, qualities, result["threshold_at_fmr_1e-3"])
    return result


def by_quality(
    found: AllPairs, qualities: Mapping[str, FaceQuality], threshold: float
) -> dict[str, dict[str, Any]]:
    """Return the errors at a threshold of pairs with a poor photograph and of all others.

    For each value of the quality the poorest tenth of the photographs counts as poor; ``limit`` is
    the value where it ends. A value that does not divide the pairs of either kind is left out.
    """
    result = {}
    for name in next(iter(qualities.values())).__dataclass_fields__:
        values = np.array([getattr(qualities[file], name) for file in found.files])
        badness = values if name in _HIGH_IS_POOR else -values
        limit = float(np.quantile(badness, 1 - _POOR))
        poor = badness >= limit
        either = poor[found.first] | poor[found.second]
        kinds = [part & kind for part in (either, ~either) for kind in (found.same, ~found.same)]
        if not all(kind.any() for kind in kinds):
            continue
        result[name] = {
            "limit": abs(limit),
            "poor": _errors(found, either, threshold),
            "others": _errors(found, ~either, threshold),
        }
    return result


def _errors(
    found: AllPairs, chosen: Bool[np.ndarray, " pairs"], threshold: float
) -> dict[str, Any]:
    genuine = chosen & found.same
    missed = found.scores[genuine] < threshold
    owners = found.people[found.first[genuine]]
    impostors = found.scores[chosen & ~found.same]

    def rate(weights: Int[np.ndarray, " people"]) -> float:
        drawn = weights[owners]
        return float((drawn * missed).sum() / drawn.sum()) if drawn.any() else np.nan

    return {
        "genuine": int(genuine.sum()),
        "fnmr": float(missed.mean()),
        "fnmr_interval": bootstrap_interval(rate, int(found.people.max()) + 1),
        "fmr": float((impostors >= threshold).mean()),
    }


def _tar_interval(found: AllPairs, rate: float) -> list[float]:
    """Draw people: a genuine pair counts with its person, an impostor pair with both of its."""
    impostors = np.flatnonzero(~found.same)
    kept = max(int(len(impostors) * _HIGHEST), min(len(impostors), 1000))
    highest = impostors[np.argsort(-found.scores[impostors])[:kept]]
    scores = found.scores[highest]
    one, other = found.people[found.first[highest]], found.people[found.second[highest]]
    genuine = found.scores[found.same]
    owners = found.people[found.first[found.same]]
    photographs = np.bincount(found.people)

    def tar(weights: Int[np.ndarray, " people"]) -> float:
        drawn = weights * photographs
        pairs = (drawn.sum() ** 2 - (drawn**2).sum()) / 2
        threshold = weighted_threshold(scores, weights[one] * weights[other], rate * pairs)
        accepted = weights[owners] * (genuine >= threshold)
        total = weights[owners].sum()
        return float(accepted.sum() / total) if total else np.nan

    return bootstrap_interval(tar, len(photographs))
