"""A whole measurement: embed, compare, identify, draw, write."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float

from app.catalogue.profiles import load_model_profiles
from app.domain.matching import Calibration
from workers.evaluation.all_pairs import all_pairs, all_pairs_rates
from workers.evaluation.calibrators import fit_logistic
from workers.evaluation.dataset import Dataset
from workers.evaluation.embeddings import FACE_POLICY, embed_files
from workers.evaluation.matchers import matchers as all_matchers
from workers.evaluation.splits import measure
from workers.evaluation.verification import Comparisons, compare, verification
from workers.matching.cohort import cohort_path, read_cohort
from workers.pipeline import FacePipeline


def evaluate(
    dataset: Dataset,
    pipeline: FacePipeline,
    *,
    out: Path,
    weights_dir: Path,
    recipe: str,
    matchers: Sequence[str],
    splits: int,
    plots: bool,
    embedding_progress: Callable[[int], None],
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Measure everything that the data allows; write ``report.json``, and plots, to ``out``.

    Returns the report; ``verification`` and ``identification`` are empty where the data has no
    such list, and ``all_pairs`` where it has no two photographs of one person.
    """
    out.mkdir(parents=True, exist_ok=True)
    profile = load_model_profiles(weights_dir)[pipeline.card.id]
    embedded = embed_files(pipeline, dataset.root, dataset.files(), progress=embedding_progress)
    report: dict[str, Any] = {"verification": {}, "all_pairs": {}, "identification": {}}
    if embedded.vectors:
        report["all_pairs"] = all_pairs_rates(all_pairs(embedded.vectors), embedded.qualities)
    if dataset.pairs:
        found = compare(dataset.pairs, embedded.vectors)
        probability = probabilities(profile.calibration)
        report["verification"] = verification(found, probability, _logistic)
        if plots:
            _plots().draw_verification(found, probability, out)
    if dataset.photographs:
        known = all_matchers(read_cohort(cohort_path(weights_dir, profile.id)))
        report["identification"], searches = measure(
            dataset.photographs,
            embedded.vectors,
            matchers={name: known[name] for name in matchers},
            splits=splits,
            progress=progress,
        )
        if plots:
            _plots().draw_identification(searches, out)
    report["setup"] = {
        "data": dataset.root.name,
        "images": len(dataset.files()),
        "model": profile.id,
        "engine": pipeline.engine_name,
        "crop": recipe,
        "face_policy": FACE_POLICY,
        "several_faces": embedded.several_faces,
        "failures": dict(embedded.failures),
    }
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def _plots() -> ModuleType:
    """Import what draws. It needs matplotlib, which no image holds."""
    from workers.evaluation import plots  # noqa: PLC0415

    return plots


def probabilities(
    calibration: Calibration,
) -> Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]]:
    """Apply the service's calibration to many scores."""
    return lambda scores: np.array([calibration.probability(score) for score in scores.tolist()])


def _logistic(found: Comparisons) -> Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]]:
    slope, intercept = fit_logistic(found.scores, found.same)
    return lambda scores: 1 / (1 + np.exp(-(slope * scores + intercept)))
