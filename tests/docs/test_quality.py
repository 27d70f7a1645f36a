"""The page on recognition tells the limits that hold."""

from __future__ import annotations

from pages import page

from app.domain.quality import FaceQuality, QualityGate, QualityIssue

_LIMITS = {
    "size_px": ("min_size_px", QualityIssue.TOO_SMALL),
    "sharpness": ("min_sharpness", QualityIssue.BLURRED),
    "turn": ("max_turn", QualityIssue.TURNED),
    "brightness": ("min_brightness", QualityIssue.DARK),
    "confidence": ("min_confidence", QualityIssue.LOW_CONFIDENCE),
}


def test_every_value_and_its_limits_are_described():
    described = {row[0].strip("`"): row[1:] for row in page("recognition").rows() if len(row) == 5}
    assert set(FaceQuality.__dataclass_fields__) == set(_LIMITS)
    for value, (name, issue) in _LIMITS.items():
        _, told_issue, basic, strict = described[value]
        assert told_issue == f"`{issue}`"
        for gate, told in ((QualityGate.BASIC, basic), (QualityGate.STRICT, strict)):
            assert float(told.split()[-1]) == getattr(gate.limits, name)


def test_the_errors_of_poor_photographs_are_told_for_every_value():
    told = {row[0].strip("`") for row in page("models").rows() if len(row) == 7}
    assert set(FaceQuality.__dataclass_fields__) <= told


def test_every_gate_is_described():
    code = page("recognition").code()
    assert [gate for gate in QualityGate if gate not in code] == []
