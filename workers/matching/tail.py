"""Fitting which shares strangers reach."""

import numpy as np
from jaxtyping import Bool, Float

from app.domain.matching import TAIL, StrangerTail

#: The part of the tail whose values are not trusted.
_CENSORED = 0.1


def fit_tail(logits: Float[np.ndarray, " n"]) -> StrangerTail:
    """Fit the tail of the logits of strangers' best shares; needs a few dozen of them."""
    start = float(np.quantile(logits, 1 - TAIL))
    return StrangerTail(tail_start=start, tail_mean=_censored_mean(logits[logits > start] - start))


def _censored_mean(excesses: Float[np.ndarray, " n"]) -> float:
    """Return the mean of exponential excesses, of the highest counting only that they are high.

    Maximum likelihood under censoring. So a few strangers who are enrolled after all, under another
    name, hardly move it.
    """
    limit = np.quantile(excesses, 1 - _CENSORED)
    below: Bool[np.ndarray, " n"] = excesses < limit
    return float(np.minimum(excesses, limit).sum() / max(below.sum(), 1))
