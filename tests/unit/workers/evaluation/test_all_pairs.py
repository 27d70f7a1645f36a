from __future__ import annotations

import numpy as np
import pytest

from app.domain.quality import FaceQuality
from workers.evaluation.all_pairs import all_pairs, all_pairs_rates, by_quality

_ANGLES = {"Ann/1": 0.0, "Ann/2": 0.1, "Bob/1": 1.0, "Bob/2": 2.0, "Eve/1": 3.0}
_VECTORS = {
    file: np.array([np.cos(angle), np.sin(angle)], np.float32) for file, angle in _ANGLES.items()
}


def _quality(**values):
    plain = {"size_px": 100, "sharpness": 0.1, "turn": 0.0, "brightness": 120, "confidence": 1.0}
    return FaceQuality(**(plain | values))


def test_every_photograph_is_compared_with_every_other_one_once():
    found = all_pairs(_VECTORS)
    assert len(found.scores) == 10
    assert found.scores[found.same].tolist() == pytest.approx([np.cos(0.1), np.cos(1.0)])


def test_the_rates_are_those_of_the_definition_and_lie_in_their_intervals():
    # of eight impostor pairs none may pass: the closest are 0.9 apart
    result = all_pairs_rates(all_pairs(_VECTORS))
    assert (result["people"], result["genuine"], result["impostors"]) == (3, 2, 8)
    assert result["tar_at_fmr_1e-3"] == 0.5
    low, high = result["tar_at_fmr_1e-3_interval"]
    assert low <= 0.5 <= high


def test_nobody_with_two_photographs_leaves_nothing_to_tell():
    assert (
        all_pairs_rates(all_pairs({"Ann/1": _VECTORS["Ann/1"], "Bob/1": _VECTORS["Bob/1"]})) == {}
    )


def test_errors_are_told_apart_by_the_poorer_photograph():
    qualities = {file: _quality() for file in _VECTORS} | {"Bob/2": _quality(turn=0.9)}
    turned = by_quality(all_pairs(_VECTORS), qualities, threshold=0.9)["turn"]
    assert turned["poor"]["genuine"] == 1
    assert turned["poor"]["fnmr"] == 1.0
    assert turned["others"]["fnmr"] == 0.0
