"""How fit for recognition a face is, and what is wrong with one that is not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class QualityIssue(StrEnum):
    """Why a face may be recognised badly."""

    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    TURNED = "turned"
    DARK = "dark"
    LOW_CONFIDENCE = "low_confidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceQuality:
    """What was measured of one face."""

    #: Shorter side of its box in pixels of the upright image.
    size_px: float
    #: Energy of fine detail over that of all detail; near 0 where blurred, whatever the contrast.
    sharpness: float
    #: Distance of the nose from the midline of the face, in eye distances; 0 looks straight ahead.
    turn: float
    #: Mean brightness inside the box, 0 to 255.
    brightness: float
    #: The detector's probability that this is a face, 0 to 1.
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReason:
    """One thing that is wrong with a face: the value found and the limit that it breaks."""

    issue: QualityIssue
    value: float
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLimits:
    """The limits of what is fit for recognition; those of a strict collection by default.

    They are passed by 99 of 100 photographs of LFW; a blur of three pixels on a face of 96, or a
    turn of about 45 degrees, is not. Stricter ones would cost more than they gain: on LFW no value
    says much about the similarity (rank correlations of 0.13 and less). ``None`` leaves a limit
    out.
    """

    min_size_px: float | None = 40
    min_sharpness: float | None = 0.012
    max_turn: float | None = 0.45
    min_brightness: float | None = 50
    min_confidence: float | None = 0.9

    def reasons(self, quality: FaceQuality) -> tuple[QualityReason, ...]:
        """Return everything that is wrong with a face; empty if it passes."""
        floors = (
            (QualityIssue.TOO_SMALL, quality.size_px, self.min_size_px),
            (QualityIssue.BLURRED, quality.sharpness, self.min_sharpness),
            (QualityIssue.DARK, quality.brightness, self.min_brightness),
            (QualityIssue.LOW_CONFIDENCE, quality.confidence, self.min_confidence),
        )
        found = [
            QualityReason(issue=issue, value=value, limit=limit)
            for issue, value, limit in floors
            if limit is not None and value < limit
        ]
        if self.max_turn is not None and quality.turn > self.max_turn:
            found.append(
                QualityReason(issue=QualityIssue.TURNED, value=quality.turn, limit=self.max_turn)
            )
        return tuple(found)


class QualityGate(StrEnum):
    """Which faces a collection takes when they are enrolled."""

    #: Every face that is found.
    OFF = "off"
    #: All but those that are plainly unfit; no photograph of LFW is.
    BASIC = "basic"
    #: None with anything wrong.
    STRICT = "strict"

    @property
    def limits(self) -> QualityLimits:
        """The limits that a face has to keep."""
        return _LIMITS[self]


_LIMITS = {
    QualityGate.OFF: QualityLimits(
        min_size_px=None,
        min_sharpness=None,
        max_turn=None,
        min_brightness=None,
        min_confidence=None,
    ),
    QualityGate.BASIC: QualityLimits(
        min_size_px=20, min_sharpness=0.006, max_turn=1, min_brightness=25, min_confidence=0.75
    ),
    QualityGate.STRICT: QualityLimits(),
}
