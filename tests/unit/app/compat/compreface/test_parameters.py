from __future__ import annotations

import math

import pytest

from app.compat.compreface.errors import CompreFaceError
from app.compat.compreface.parameters import Parameters, detection_threshold


def given(**values):
    return Parameters(list(values.items()))


def test_only_a_greater_confidence_than_the_threshold_is_enough():
    threshold = detection_threshold(given(det_prob_threshold="0.8"), default=0.85)
    assert 0.8 < threshold <= math.nextafter(0.8, 1)
    assert detection_threshold(given(), default=0.85) == math.nextafter(0.85, 1)


@pytest.mark.parametrize("stated", ["-0.1", "1.1", "nan", "inf"])
def test_a_threshold_out_of_range_admits_nothing(stated):
    assert detection_threshold(given(det_prob_threshold=stated), default=0.85) > 1


@pytest.mark.parametrize("stated", ["abc", "1.5", "9" * 30, "0x1"])
def test_what_is_no_whole_number_is_refused(stated):
    with pytest.raises(CompreFaceError) as refusal:
        given(limit=stated).whole("limit", 0, least=0, label="Limit")
    assert refusal.value.code == 0


def test_repeated_parameters_are_joined():
    repeated = Parameters([("face_plugins", "age"), ("face_plugins", "pose, mask,")])
    assert repeated.plugins() == {"age", "pose", "mask"}


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_database_holds_is_refused(name):
    with pytest.raises(CompreFaceError) as refusal:
        given(subject=name).subject()
    assert refusal.value.code == 26
