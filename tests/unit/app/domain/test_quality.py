from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.quality import FaceQuality, QualityGate, QualityIssue, QualityLimits, QualityReason

_GOOD = FaceQuality(size_px=90, sharpness=0.1, turn=0.1, brightness=120, confidence=0.999)


def test_a_good_face_has_nothing_wrong_with_it():
    assert QualityLimits().reasons(_GOOD) == ()


@pytest.mark.parametrize(
    ("change", "issue", "limit"),
    [
        ({"size_px": 30}, QualityIssue.TOO_SMALL, 40),
        ({"sharpness": 0.001}, QualityIssue.BLURRED, 0.012),
        ({"turn": 0.6}, QualityIssue.TURNED, 0.45),
        ({"brightness": 20}, QualityIssue.DARK, 50),
        ({"confidence": 0.75}, QualityIssue.LOW_CONFIDENCE, 0.9),
    ],
)
def test_each_reason_tells_its_value_and_the_limit(change, issue, limit):
    (reason,) = QualityLimits().reasons(replace(_GOOD, **change))
    assert reason == QualityReason(issue=issue, value=next(iter(change.values())), limit=limit)


def test_every_reason_is_told():
    bad = replace(_GOOD, size_px=10, turn=2)
    issues = {reason.issue for reason in QualityLimits().reasons(bad)}
    assert issues == {QualityIssue.TOO_SMALL, QualityIssue.TURNED}


def test_a_value_at_its_limit_passes():
    assert QualityLimits().reasons(replace(_GOOD, size_px=40, turn=0.45)) == ()


def test_a_limit_can_be_left_out():
    assert QualityLimits(max_turn=None).reasons(replace(_GOOD, turn=9)) == ()


@pytest.mark.parametrize(
    ("quality", "refusing"),
    [
        (_GOOD, set()),
        (replace(_GOOD, size_px=30), {QualityGate.STRICT}),
        (replace(_GOOD, size_px=10), {QualityGate.STRICT, QualityGate.BASIC}),
    ],
)
def test_what_a_gate_refuses_every_stricter_one_refuses_too(quality, refusing):
    assert {gate for gate in QualityGate if gate.limits.reasons(quality)} == refusing
