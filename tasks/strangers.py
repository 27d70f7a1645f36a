"""The cohort of strangers, as the services see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workers.matching.cohort import cohort_path, read_cohort
from workers.matching.prototypes import background, read_shares

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.domain.embedding import Embedding
    from app.domain.matching import ShareReading


class Strangers:
    """The cohort that comes with a model. See ``app.services.ports.StrangerCohort``."""

    def __init__(self, weights_dir: Path, model_id: str) -> None:
        """Read the cohort. Raises: WeightsError: it is missing or not understood."""
        self._cohort = read_cohort(cohort_path(weights_dir, model_id))

    @property
    def vectors(self) -> NDArray[np.float32]:
        """One vector of length 1 for each stranger, as rows."""
        return self._cohort.strangers

    def background(self, probe: Embedding) -> float:
        """Return what the strangers weigh beside the subjects."""
        vector = np.array([probe.vector], dtype=np.float32)
        return float(background(vector, self._cohort)[0])

    def read(self, prototypes: Sequence[Sequence[float]]) -> ShareReading:
        """Fit how the shares of a collection with these prototypes are to be read."""
        return read_shares(np.array(prototypes, dtype=np.float32), self._cohort)
