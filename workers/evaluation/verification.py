"""1:1: how often two photographs are rightly called one person or two."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.metrics import roc_auc_score

from workers.evaluation.dataset import Pair
from workers.evaluation.rates import (
    NOT_COMPARED,
    best_accuracy_threshold,
    expected_calibration_error,
    false_non_match_rate,
    log_likelihood_ratio_cost,
    threshold_at,
)

#: LFW's protocol has ten folds; where the data has fewer, each is cut further.
_FOLDS = 10


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Scored pairs: cosine, label and the number of the part of the cross-validation."""

    scores: Float[np.ndarray, " n"]
    same: Bool[np.ndarray, " n"]
    parts: Int[np.ndarray, " n"]


def compare(pairs: Sequence[Pair], vectors: Mapping[str, Float[np.ndarray, " d"]]) -> Comparisons:
    """Return the cosine of each pair; a pair with a photograph that has no vector is rejected."""
    scores = [
        float(vectors[pair.first] @ vectors[pair.second])
        if pair.first in vectors and pair.second in vectors
        else NOT_COMPARED
        for pair in pairs
    ]
    same = np.array([pair.same_person for pair in pairs])
    return Comparisons(np.array(scores), same, parts(pairs))


def parts(pairs: Sequence[Pair]) -> Int[np.ndarray, " n"]:
    """Return which part of the cross-validation each pair is in: the data's folds, cut to be ten.

    Genuine and impostor pairs are cut separately and in the order of the file, which lists a
    person's pairs together, so that hardly anybody is in two parts.
    """
    folds = sorted({pair.fold for pair in pairs})
    pieces = -(-_FOLDS // len(folds))
    numbers = np.zeros(len(pairs), dtype=int)
    for place, fold in enumerate(folds):
        for same in (False, True):
            own = [
                index
                for index, pair in enumerate(pairs)
                if pair.fold == fold and pair.same_person is same
            ]
            for piece, members in enumerate(np.array_split(own, pieces)):
                numbers[members.astype(int)] = place * pieces + piece
    return numbers


def verification(
    found: Comparisons,
    probability: Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]],
    refit: Callable[[Comparisons], Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]]],
) -> dict[str, Any]:
    """Measure the scores, the calibration in use, and the same calibration fitted on other parts.

    Accuracy is the mean over the parts of the share of right decisions at the threshold that is
    best on all other parts; ``accuracy_error`` is the standard error of that mean.
    """
    genuine, impostors = found.scores[found.same], found.scores[~found.same]
    compared = found.scores > NOT_COMPARED
    accuracies, unseen = [], np.zeros(len(found.scores))
    for part in np.unique(found.parts):
        out = found.parts == part
        rest = Comparisons(found.scores[~out], found.same[~out], found.parts[~out])
        threshold = best_accuracy_threshold(rest.scores, rest.same)
        accuracies.append(float(((found.scores[out] >= threshold) == found.same[out]).mean()))
        unseen[out] = refit(rest)(found.scores[out])
    result: dict[str, Any] = {
        "accuracy": float(np.mean(accuracies)),
        "accuracy_error": float(np.std(accuracies, ddof=1) / np.sqrt(len(accuracies))),
        "best_threshold": best_accuracy_threshold(found.scores, found.same),
        "auc": float(roc_auc_score(found.same, found.scores)),
    }
    for name, rate in (("1e-2", 1e-2), ("1e-3", 1e-3)):
        threshold = threshold_at(impostors, rate)
        miss = false_non_match_rate(genuine, threshold)
        result |= {
            f"fnmr_at_fmr_{name}": miss,
            f"tar_at_fmr_{name}": 1 - miss,
            f"threshold_at_fmr_{name}": threshold,
        }
    for name, stated in (("", probability(found.scores)), ("_unseen", unseen)):
        answers = stated[compared], found.same[compared]
        result |= {
            f"calibration_error{name}": expected_calibration_error(*answers),
            f"likelihood_ratio_cost{name}": log_likelihood_ratio_cost(*answers),
        }
    return result | {
        "pairs": len(found.scores),
        "not_compared": int((~compared).sum()),
        "parts": len(accuracies),
    }
