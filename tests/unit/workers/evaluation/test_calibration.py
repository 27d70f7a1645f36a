"""The calibration in use against the pairs whose distances are committed."""

from __future__ import annotations

import numpy as np
import pytest

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from app.catalogue.profiles import load_model_profiles
from workers.evaluation.rates import expected_calibration_error, log_likelihood_ratio_cost
from workers.evaluation.run import probabilities
from workers.evaluation.similarity import DISTANCES, read_distances

every_measured_model = pytest.mark.parametrize(
    "model", [path.stem for path in DISTANCES.glob("*.csv")]
)


@pytest.fixture
def probability(model):
    return probabilities(load_model_profiles(DEFAULT_WEIGHTS_DIR)[model].calibration)


@every_measured_model
def test_the_calibration_in_use_is_right_to_half_a_point(model, probability):
    distances, same = read_distances(DISTANCES / f"{model}.csv")
    stated = probability(1 - distances**2 / 2)
    assert expected_calibration_error(stated, same) <= 0.005
    assert log_likelihood_ratio_cost(stated, same) <= 0.02


@every_measured_model
def test_a_higher_similarity_is_never_less_probable(model, probability):
    stated = probability(np.linspace(-1, 1, 401))
    assert (np.diff(stated) >= 0).all()
    assert ((stated >= 0) & (stated <= 1)).all()
