"""Fits from cosines to the probability that two photographs show one person."""

import numpy as np
from jaxtyping import Bool, Float
from sklearn.linear_model import LogisticRegression


def fit_logistic(
    scores: Float[np.ndarray, " n"], same: Bool[np.ndarray, " n"]
) -> tuple[float, float]:
    """Return slope and intercept of a logistic curve, for a prior of one half."""
    model = LogisticRegression(C=np.inf, class_weight="balanced").fit(scores[:, None], same)
    return float(model.coef_[0, 0]), float(model.intercept_[0])
