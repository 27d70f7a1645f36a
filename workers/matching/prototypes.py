"""Open-set identification by prototypes, without training.

A probe's share in a subject is its softmax over the cosines with every subject's prototype and with
a cohort of strangers. The gain over the bare cosine is the normalisation: a probe that is like many
people is like none of them in particular. The strangers keep that normalisation alike for
collections of 5 people and of 500, and they tell from which share on a match can be believed.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32
from sklearn.linear_model import LogisticRegression

from workers.matching.cohort import Cohort

#: Of 10, 12 and 15 the one with the best identification rate at 50, 100 and 250 people on LFW.
_SCALE = 12.0

#: A stranger this like an enrolled subject is left out of the softmax, being perhaps the same
#: person. Leaving out at 0.6 or nobody changes the rates by less than their errors.
_SAME_PERSON = 0.7

#: The share of strangers' scores that the tail is fitted to.
_TAIL = 0.15

#: The part of the tail whose values are not trusted.
_CENSORED = 0.1


class ShareReading(NamedTuple):
    """How the logits of shares are read in one collection."""

    #: Start and mean excess of the strangers' exponential tail.
    tail_start: float
    tail_mean: float
    #: Logistic curve to the probability of identity, for searches as often enrolled as not.
    slope: float
    intercept: float

    def threshold(self, target_fpir: float) -> float:
        """Return the share that this part of strangers' searches is expected to reach."""
        return _sigmoid(self.tail_start + self.tail_mean * np.log(_TAIL / target_fpir))

    def expected_fpir(self, share: float) -> float:
        """Return the part of strangers' searches expected to reach a share, up to 0.15."""
        excess = max(_logit(share) - self.tail_start, 0.0)
        return _TAIL * float(np.exp(-excess / self.tail_mean))

    def probability(self, share: float) -> float:
        """Return the probability, 0 to 1, that the best subject is the person searched for."""
        return _sigmoid(self.slope * _logit(share) + self.intercept)


class PrototypeMatcher:
    """The prototypes of one collection, ready to be asked; cheap enough to make anew per change."""

    def __init__(self, prototypes: Float32[np.ndarray, "subjects d"], cohort: Cohort) -> None:
        self._prototypes = prototypes
        self._cohort = cohort
        self._others = (cohort.strangers @ prototypes.T).max(axis=1) < _SAME_PERSON
        self._background = cohort.strangers[self._others]
        #: Makes up for the strangers left out.
        self._weight = len(cohort.strangers) / max(len(self._background), 1)

    def shares(self, probes: Float32[np.ndarray, "m d"]) -> Float[np.ndarray, "m subjects"]:
        """Return each subject's share of each probe, in the order of the prototypes.

        They add up to less than 1; the rest belongs to the strangers.
        """
        powers = np.exp(_SCALE * (probes @ self._prototypes.T))
        others = np.exp(_SCALE * (probes @ self._background.T)).sum(axis=1) * self._weight
        shares: Float[np.ndarray, "m subjects"] = powers / (powers.sum(axis=1) + others)[:, None]
        return shares

    def reading(self) -> ShareReading:
        """Fit thresholds and probability by searching for every stranger among the others.

        Needs a few dozen strangers. Run it whenever the collection has grown by some people: it
        takes a product of strangers with prototypes and one of strangers with each other.
        """
        strangers = self._cohort.strangers
        powers = np.exp(_SCALE * (strangers @ self._prototypes.T))
        others = np.exp(_SCALE * (strangers @ strangers.T))
        np.fill_diagonal(others, 0)  # a stranger is no stranger to oneself
        best = powers.max(axis=1)
        background = powers.sum(axis=1) - best + others[:, self._others].sum(axis=1) * self._weight
        logits = np.log(best / background)
        start = float(np.quantile(logits, 1 - _TAIL))
        mean = _censored_mean(logits[logits > start] - start)
        genuine = _SCALE * self._cohort.genuine - np.log(np.median(background))
        return ShareReading(start, mean, *_logistic(genuine, logits))


def _censored_mean(excesses: Float[np.ndarray, " n"]) -> float:
    """Return the mean of exponential excesses, of the highest counting only that they are high.

    Maximum likelihood under censoring. So a few strangers who are enrolled after all, under another
    name, hardly move it.
    """
    limit = np.quantile(excesses, 1 - _CENSORED)
    return float(np.minimum(excesses, limit).sum() / max((excesses < limit).sum(), 1))


def _logistic(
    genuine: Float[np.ndarray, " n"], strangers: Float[np.ndarray, " m"]
) -> tuple[float, float]:
    scores = np.concatenate([genuine, strangers])[:, None]
    same = np.repeat([True, False], [len(genuine), len(strangers)])
    model = LogisticRegression(C=np.inf, class_weight="balanced").fit(scores, same)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _logit(share: float) -> float:
    share = min(max(share, 1e-12), 1 - 1e-12)
    return float(np.log(share / (1 - share)))


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))
