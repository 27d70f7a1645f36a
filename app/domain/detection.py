"""What the models found in an image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.domain.embedding import Embedding
    from app.domain.geometry import BoundingBox, FiveLandmarks
    from app.domain.quality import FaceQuality


class ImageWarning(StrEnum):
    """What a caller should know about an image that was used all the same."""

    #: Cut short or damaged: the pixels that are whole were used, the others are blank.
    INCOMPLETE = "incomplete"
    #: Larger than the limits: looked at in a half, a quarter or an eighth of its size.
    REDUCED = "reduced"
    #: It holds several pictures, of which the first was used.
    FIRST_FRAME = "first_frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One face found in one image."""

    box: BoundingBox
    landmarks: FiveLandmarks
    #: The detector's own probability that this is a face, 0 to 1.
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedFace:
    """A detection, what it is worth, and, where it was asked for, its embedding."""

    detection: Detection
    quality: FaceQuality
    embedding: Embedding | None = None
    #: By the other model of a collection that changes its own.
    second: Embedding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAnalysis:
    """Everything the pipeline says about one image; faces are ordered largest first."""

    #: Size of the upright image in pixels, after the EXIF turn.
    width: int
    height: int
    faces: tuple[AnalysedFace, ...]
    warnings: tuple[ImageWarning, ...] = ()
