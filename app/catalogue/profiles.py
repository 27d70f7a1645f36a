"""The models that this installation knows, from the files beside the weights."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from app.domain.errors import ConfigurationError
from app.domain.matching import Calibration, Thresholds
from app.domain.model import ModelProfile

if TYPE_CHECKING:
    from pathlib import Path


def load_model_profiles(weights_dir: Path) -> dict[str, ModelProfile]:
    """Read every model's origin, dimension, thresholds and calibration, by model id.

    Raises: ConfigurationError: a file is missing or incomplete.
    """
    try:
        manifest = _read(weights_dir / "manifest.toml")
        origins = {weights["id"]: weights for weights in manifest["weights"]}
        entries = _read(weights_dir / "calibration.toml")
        return {
            name: ModelProfile(
                id=name,
                dimension=entry["dimension"],
                thresholds=Thresholds(match=entry["match"], possible=entry["possible"]),
                calibration=Calibration(slope=entry["slope"], intercept=entry["intercept"]),
                fitted=bool(entry["fitted_on"]),
                licence=origins[name]["licence"],
                training_set=origins[name]["training_set"],
            )
            for name, entry in entries.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            "A file in VULTUS_WEIGHTS_DIR, manifest.toml or calibration.toml, cannot be read "
            f"({type(error).__name__}: {error}). Both come with the source tree."
        ) from error


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
