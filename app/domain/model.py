"""What the rest of the service has to know of an embedding model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.domain.matching import Calibration, Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProfile:
    """A model's vector space and how its cosines are read."""

    id: str
    dimension: int
    #: Used where neither the request nor the collection says otherwise.
    thresholds: Thresholds
    calibration: Calibration
    #: Whether thresholds and calibration were fitted to pairs of photographs embedded by it.
    fitted: bool = True
    licence: str
    training_set: str
