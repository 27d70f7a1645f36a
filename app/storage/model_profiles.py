"""The models that this installation knows, from the files beside the weights."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from app.domain.errors import ConfigurationError
from app.domain.matching import Calibration, Thresholds
from app.domain.model import ModelProfile

if TYPE_CHECKING:
    from pathlib import Path


def load_model_profiles(weights_dir: Path) -> dict[str, ModelProfile]:
    """Read every model's dimension, thresholds and calibration, by model id.

    Raises: ConfigurationError: the file is missing or incomplete.
    """
    path = weights_dir / "calibration.toml"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            name: ModelProfile(
                id=name,
                dimension=entry["dimension"],
                thresholds=Thresholds(match=entry["match"], possible=entry["possible"]),
                calibration=Calibration(slope=entry["slope"], intercept=entry["intercept"]),
            )
            for name, entry in entries.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"VULTUS_WEIGHTS_DIR: {path.name} cannot be read there ({type(error).__name__}); it "
            "comes with the source tree, beside manifest.toml"
        ) from error
