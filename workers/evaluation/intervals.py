"""How far a figure would move if other people had been photographed.

Photographs of one person succeed and fail together, so people are drawn anew, not photographs
(the subset bootstrap of Bolle et al. 2004, "The relation between the ROC curve and the CMC").
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int, Real
from scipy.stats import binomtest

Weights = Int[np.ndarray, " people"]

_DRAWS = 500
_PERCENTILES = (2.5, 97.5)


def bootstrap_interval(statistic: Callable[..., float], *groups: int) -> list[float]:
    """Return the 95 % interval of a figure under draws of people with replacement.

    ``groups`` are numbers of people; of each group as many are drawn. ``statistic`` gets for each
    group how often each of its people was drawn. The draws are the same in every call.
    """
    random = np.random.default_rng(0)

    def drawn(people: int) -> Weights:
        return np.bincount(random.integers(0, people, people), minlength=people)

    found = [statistic(*map(drawn, groups)) for _ in range(_DRAWS)]
    return [float(edge) for edge in np.nanpercentile(found, _PERCENTILES)]


def rate_interval(rate: float, trials: int) -> list[float]:
    """Return the exact 95 % interval (Clopper and Pearson 1934) of a share of independent trials.

    >>> [round(edge, 4) for edge in rate_interval(0.0, 399)]
    [0.0, 0.0092]
    """
    interval = binomtest(round(rate * trials), trials).proportion_ci(0.95, method="exact")
    return [float(interval.low), float(interval.high)]


def weighted_threshold(
    impostors: Float[np.ndarray, " n"],
    weights: Real[np.ndarray, " n"],
    allowed: float,
) -> float:
    """Return the lowest threshold that scores of at most this weight in all reach or exceed.

    ``impostors`` are in descending order; those too low to matter may be left out.
    """
    place = int(np.searchsorted(np.cumsum(weights), allowed + 1e-9, side="right"))
    return float(np.nextafter(impostors[min(place, len(impostors) - 1)], np.inf))
