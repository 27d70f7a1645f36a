"""A classifier over the people of one collection.

A multinomial logistic regression on L2-normalised embeddings. Its gain over the plain cosine is the
normalisation against the other enrolled people. Its shares are no probabilities of identity, as
strangers are no class of it; so the share that makes a match is read off a cohort of strangers
(Guenther et al. 2017, arXiv 1705.01567, on why that matters).

With the classifier goes a second one, the rehearsal, that was fitted without the faces held out. A
face is held out from every version or from none, so two versions can be compared by faces that
neither rehearsal has seen.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from safetensors.numpy import load, save

from app.domain.matching import StrangerTail
from workers.matching.tail import fit_tail

#: Inverse strength of the regularisation; of 1, 10, 100 and 1000 the one with the best open-set
#: identification rate on LFW.
_C = 10.0


class LogisticClassifier:
    """A fitted classifier, ready to be asked."""

    def __init__(self, weights: bytes) -> None:
        tensors = load(weights)
        self._linear = _Linear(tensors["coefficients"], tensors["intercepts"])
        #: Which shares strangers reach.
        self.tail: StrangerTail = fit_tail(_logits(tensors["strangers"]))

    def shares(self, vectors: Float32[np.ndarray, "m d"]) -> Float[np.ndarray, "m n"]:
        """Return each class's share of each vector, in the order of the fit; rows add up to 1."""
        return self._linear.shares(vectors)


def fit_classifier(
    vectors: Float32[np.ndarray, "m d"],
    labels: Int[np.ndarray, " m"],
    held_out: Bool[np.ndarray, " m"],
    strangers: Float32[np.ndarray, "s d"],
) -> bytes:
    """Fit a classifier and its rehearsal; return both in safetensors form.

    ``labels`` count from 0, and each of at least two occurs. The best share of every stranger is
    kept beside the weights, ascending, so that a threshold can be set for any rate later.
    """
    linear = _fit(vectors, labels)
    tensors = {
        "coefficients": linear.coefficients,
        "intercepts": linear.intercepts,
        "strangers": np.sort(linear.shares(strangers).max(axis=1)),
    }
    classes = np.unique(labels[~held_out])
    rehearsal = _fit(vectors[~held_out], np.searchsorted(classes, labels[~held_out]))
    tensors |= {
        "rehearsal_classes": classes[: len(rehearsal.intercepts)].astype(np.int32),
        "rehearsal_coefficients": rehearsal.coefficients,
        "rehearsal_intercepts": rehearsal.intercepts,
    }
    # safetensors writes memory as it lies, and scikit-learn's lies column by column
    return save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})


class HeldOutRates(NamedTuple):
    """How a rehearsal did on faces held out."""

    #: The part of them that it named rightly, and that it named rightly above its threshold.
    rank1: float
    identified: float


class Rehearsal:
    """The fit without the faces held out that goes with a classifier."""

    def __init__(self, weights: bytes, numbers: Int[np.ndarray, " classes"]) -> None:
        """Read it; ``numbers`` are what the caller calls the classifier's classes."""
        tensors = load(weights)
        #: The caller's numbers of the classes that it knows; none without two people.
        self.classes: Int[np.ndarray, " n"] = numbers[tensors["rehearsal_classes"]]
        self._linear = _Linear(tensors["rehearsal_coefficients"], tensors["rehearsal_intercepts"])

    def rates(
        self,
        vectors: Float32[np.ndarray, "m d"],
        labels: Int[np.ndarray, " m"],
        strangers: Float32[np.ndarray, "s d"],
        *,
        among: Int[np.ndarray, " k"],
        target_fpir: float,
    ) -> HeldOutRates:
        """Name faces among some of the classes; the threshold is that of the target FPIR."""
        chosen = np.isin(self.classes, among)
        linear = _Linear(self._linear.coefficients[chosen], self._linear.intercepts[chosen])
        tail = fit_tail(_logits(linear.shares(strangers).max(axis=1)))
        shares = linear.shares(vectors)
        right = self.classes[chosen][shares.argmax(axis=1)] == labels
        over = shares.max(axis=1) >= tail.threshold(target_fpir)
        return HeldOutRates(float(right.mean()), float((right & over).mean()))


class _Linear(NamedTuple):
    coefficients: Float32[np.ndarray, "n d"]
    intercepts: Float32[np.ndarray, " n"]

    def shares(self, vectors: Float32[np.ndarray, "m d"]) -> Float[np.ndarray, "m n"]:
        logits = vectors @ self.coefficients.T + self.intercepts
        powers: Float[np.ndarray, "m n"] = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)


def _fit(vectors: Float32[np.ndarray, "m d"], labels: Int[np.ndarray, " m"]) -> _Linear:
    """Return coefficients and intercepts with a row for every class; none without two classes."""
    if len(np.unique(labels)) <= 1:
        return _Linear(np.empty((0, vectors.shape[1]), np.float32), np.empty(0, np.float32))
    # A second of a worker's start and 80 MB, for the few that ever train.
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    model = LogisticRegression(C=_C, max_iter=1000).fit(vectors, labels)
    rows, intercepts = model.coef_, model.intercept_
    if len(rows) == 1:  # scikit-learn keeps one row for two classes
        rows, intercepts = np.vstack([-rows, rows]) / 2, np.hstack([-intercepts, intercepts]) / 2
    return _Linear(rows.astype(np.float32), intercepts.astype(np.float32))


def _logits(shares: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    clipped = np.clip(shares.astype(np.float64), 1e-12, 1 - 1e-12)
    logits: Float[np.ndarray, " n"] = np.log(clipped / (1 - clipped))
    return logits
