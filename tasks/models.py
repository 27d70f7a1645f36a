"""The models that a worker can embed with, and what comes with each."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.errors import ModelMismatchError, WeightsError
from tasks.strangers import Strangers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from app.domain.model import ModelProfile
    from workers.pipeline import FacePipeline

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyModel:
    """A model whose weights are loaded, where any are."""

    profile: ModelProfile
    #: Absent where no cohort comes with the model.
    cohort: Strangers | None

    @property
    def id(self) -> str:
        """The model's id in the manifest."""
        return self.profile.id

    def strangers(self) -> NDArray[np.float32]:
        """Return the cohort's vectors, as rows. Raises: WeightsError: no cohort comes with it."""
        if self.cohort is None:
            raise WeightsError(
                f"A training needs a cohort of strangers, and {self.id} has none. Fit one with "
                '"python -m workers.evaluation.fit".'
            )
        return self.cohort.vectors


class ReadyModels:
    """The worker's own model, and those of collections that have another, loaded when needed."""

    def __init__(
        self,
        main: str,
        pipeline: FacePipeline | None,
        profiles: Mapping[str, ModelProfile],
        weights_dir: Path,
    ) -> None:
        """Without a pipeline, models are never loaded: what comes with them is all that counts."""
        self._pipeline = pipeline
        self._profiles = profiles
        self._weights_dir = weights_dir
        self._known: dict[str, ReadyModel] = {}
        self.main = self._read(main)

    def get(self, model_id: str) -> ReadyModel:
        """Return a model that the pipeline, if there is one, can embed with.

        Raises: ModelMismatchError: its weights are not installed here.
        """
        if model_id == self.main.id:
            return self.main
        try:
            if self._pipeline is not None:
                self._pipeline.load(model_id)
            return self._read(model_id)
        except (WeightsError, KeyError) as error:
            reason = "It has no calibration."
            if isinstance(error, WeightsError):
                reason = error.what_is_wrong
            raise ModelMismatchError(
                f"This worker cannot load {model_id}, the collection's model. {reason} Run "
                f'"python -m workers.fetch_weights --model {model_id}" where the workers run, then '
                "send the request again."
            ) from error

    def _read(self, model_id: str) -> ReadyModel:
        if model_id not in self._known:
            self._known[model_id] = ReadyModel(
                profile=self._profiles[model_id], cohort=self._cohort(model_id)
            )
        return self._known[model_id]

    def _cohort(self, model_id: str) -> Strangers | None:
        try:
            return Strangers(self._weights_dir, model_id)
        except WeightsError as error:
            _LOG.warning(
                "searches go by the nearest face: %s", error.detail, extra={"action": "no_cohort"}
            )
            return None
