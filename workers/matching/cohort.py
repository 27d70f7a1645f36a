"""Strangers kept for comparison: faces of people who belong to no collection."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from safetensors import SafetensorError
from safetensors.numpy import load, save

from app.domain.errors import WeightsError


class Cohort(NamedTuple):
    """One L2-normalised vector for each stranger, all different people, and typical cosines."""

    strangers: Float32[np.ndarray, "n d"]
    #: Cosines of pairs of photographs of one person, ascending, evenly spaced over all such pairs.
    genuine: Float32[np.ndarray, " q"]


def cohort_path(weights_dir: Path, model_id: str) -> Path:
    """Return where the cohort of a model lies."""
    return weights_dir / "cohorts" / f"{model_id}.safetensors"


def read_cohort(path: Path) -> Cohort:
    """Read a cohort; raise WeightsError if it is missing or not understood."""
    try:
        arrays = load(path.read_bytes())
        strangers = arrays["strangers"].astype(np.float32)
        genuine = arrays["genuine"].astype(np.float32)
    except (OSError, SafetensorError, KeyError) as error:
        raise WeightsError(
            f"The cohort {path} cannot be read ({type(error).__name__}). It comes with the source "
            'tree; otherwise fit one with "python -m workers.evaluation.fit".'
        ) from error
    return Cohort(strangers / np.linalg.norm(strangers, axis=1, keepdims=True), genuine)


def write_cohort(path: Path, cohort: Cohort) -> None:
    """Write a cohort in half precision, which moves a cosine by less than 0.0005."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        save(
            {
                "strangers": np.ascontiguousarray(cohort.strangers, np.float16),
                "genuine": np.ascontiguousarray(cohort.genuine, np.float16),
            }
        )
    )
