"""The benchmark's own arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` (0 to 1) of the values do not exceed."""
    return float(np.quantile(values, share, method="inverted_cdf"))


@dataclass(frozen=True, slots=True)
class Ratio:
    """How one series compares to another that was measured in the same rounds."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f}-{self.most:.2f})"


def ratio(series: Sequence[float], reference: Sequence[float]) -> Ratio:
    """Divide round by round: what disturbs the machine for a while disturbs both."""
    quotients = [one / other for one, other in zip(series, reference, strict=True)]
    return Ratio(median(quotients), min(quotients), max(quotients))
