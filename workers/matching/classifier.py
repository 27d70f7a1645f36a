"""A classifier over the people of one collection.

A multinomial logistic regression on L2-normalised embeddings. Its gain over the plain cosine is the
normalisation against the other enrolled people. Its shares are no probabilities of identity, as
strangers are no class of it; so the share that makes a match is chosen on people left out of the
fit (Guenther et al. 2017, arXiv 1705.01567, on why that matters).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from safetensors.numpy import load, save
from sklearn.linear_model import LogisticRegression

#: Inverse strength of the regularisation; of 1, 10, 100 and 1000 the one with the best open-set
#: identification rate on LFW.
_C = 10.0

#: The share of strangers that the threshold may let pass.
_TARGET_FPIR = 0.01

#: Parts into which people are divided to stand in for strangers, each once.
_FOLDS = 5


class FittedClassifier(NamedTuple):
    """Weights in safetensors form, and how the fit did on people it had not seen."""

    weights: bytes
    metrics: dict[str, float]


class LogisticClassifier:
    """A fitted classifier, ready to be asked."""

    def __init__(self, weights: bytes) -> None:
        tensors = load(weights)
        self._coefficients: Float[np.ndarray, "n d"] = tensors["coefficients"]
        self._intercepts: Float[np.ndarray, " n"] = tensors["intercepts"]
        self.threshold = float(tensors["threshold"][0])

    def shares(self, vector: Sequence[float]) -> Float[np.ndarray, " n"]:
        """Return each class's share of a vector, in the order of the fit; they add up to 1."""
        probe = np.asarray(vector, dtype=np.float32)
        shares: Float[np.ndarray, " n"] = _softmax(
            probe[None] @ self._coefficients.T + self._intercepts
        )[0]
        return shares


def fit_classifier(
    vectors: Float[np.ndarray, "m d"], labels: Int[np.ndarray, " m"]
) -> FittedClassifier:
    """Fit prototypes and a classifier; ``labels`` count from 0, and each occurs.

    ``metrics`` holds ``threshold``, the share from which the first choice is a match, and
    ``held_out_rank1`` and ``held_out_accepted``, the shares of left-out photographs of enrolled
    people that were named rightly, and named rightly above the threshold.
    """
    count = int(labels.max()) + 1
    prototypes = np.stack([vectors[labels == label].mean(axis=0) for label in range(count)])
    prototypes /= np.linalg.norm(prototypes, axis=1, keepdims=True)
    coefficients, intercepts = _fit(vectors, labels)
    strangers = _stranger_shares(vectors, labels)
    threshold = float(np.quantile(strangers, 1 - _TARGET_FPIR)) if strangers.size else 0.5
    metrics = {"threshold": threshold, **_held_out(vectors, labels, threshold)}
    weights = save(
        {
            # safetensors writes memory as it lies, and scikit-learn's lies column by column
            "coefficients": np.ascontiguousarray(coefficients, dtype=np.float32),
            "intercepts": np.ascontiguousarray(intercepts, dtype=np.float32),
            "prototypes": prototypes.astype(np.float32),
            "threshold": np.array([threshold], dtype=np.float32),
        }
    )
    return FittedClassifier(weights, metrics)


def _softmax(logits: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m n"]:
    powers: Float[np.ndarray, "m n"] = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def _fit(
    vectors: Float[np.ndarray, "m d"], labels: Int[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, " n"]]:
    """Return coefficients and intercepts with a row for every class, also where there are two."""
    model = LogisticRegression(C=_C, max_iter=1000).fit(vectors, labels)
    if len(model.classes_) == 2:  # noqa: PLR2004 - scikit-learn keeps one row for two classes
        halves = model.coef_ / 2, model.intercept_ / 2
        return np.vstack([-halves[0], halves[0]]), np.hstack([-halves[1], halves[1]])
    return model.coef_, model.intercept_


def _stranger_shares(
    vectors: Float[np.ndarray, "m d"], labels: Int[np.ndarray, " m"]
) -> Float[np.ndarray, " s"]:
    """Return the best shares of people who were left out of the fit that judged them."""
    shares: list[Float[np.ndarray, " k"]] = []
    for fold in range(_FOLDS):
        stranger = labels % _FOLDS == fold
        known, dense = np.unique(labels[~stranger], return_inverse=True)
        if not stranger.any() or len(known) < 2:  # noqa: PLR2004 - a classifier needs two classes
            continue
        coefficients, intercepts = _fit(vectors[~stranger], dense)
        shares.append(_softmax(vectors[stranger] @ coefficients.T + intercepts).max(axis=1))
    return np.concatenate(shares) if shares else np.empty(0)


def _held_out(
    vectors: Float[np.ndarray, "m d"], labels: Int[np.ndarray, " m"], threshold: float
) -> dict[str, float]:
    """Judge one left-out photograph of everybody who has at least two."""
    _, first, counts = np.unique(labels, return_index=True, return_counts=True)
    probes = first[counts > 1]
    if not probes.size:
        return {}
    rest = np.ones(len(labels), dtype=bool)
    rest[probes] = False
    coefficients, intercepts = _fit(vectors[rest], labels[rest])
    shares = _softmax(vectors[probes] @ coefficients.T + intercepts)
    right = np.unique(labels[rest])[shares.argmax(axis=1)] == labels[probes]
    return {
        "held_out_rank1": float(right.mean()),
        "held_out_accepted": float((right & (shares.max(axis=1) >= threshold)).mean()),
    }
