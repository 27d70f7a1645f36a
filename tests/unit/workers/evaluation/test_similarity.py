from __future__ import annotations

import numpy as np
import pytest

from app.compat.compreface.similarity import load_curves
from workers.evaluation.similarity import DISTANCES, fit, read_distances


@pytest.mark.parametrize("model", [path.stem for path in DISTANCES.glob("*.csv")])
def test_the_curve_in_use_is_the_one_fitted_to_the_committed_distances(model):
    c0, c1 = fit(*read_distances(DISTANCES / f"{model}.csv"))
    curve = load_curves()[model]
    assert (c0, c1) == pytest.approx((curve.c0, curve.c1), abs=2e-4, rel=1e-3)


def test_the_fit_finds_the_curve_that_made_the_labels():
    random = np.random.default_rng(7)
    distances = random.uniform(0.2, 1.8, 20_000)
    similarity = (np.tanh((1.1 - distances) * 4) + 1) / 2
    c0, c1 = fit(distances, random.uniform(size=20_000) < similarity)
    assert (c0, c1) == pytest.approx((1.1, 4), rel=0.05)
