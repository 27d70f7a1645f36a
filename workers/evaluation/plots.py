"""Pictures of a measurement, as PNG files."""

import matplotlib as mpl

mpl.use("Agg")  # before pyplot: no display is needed

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.metrics import roc_curve

from workers.evaluation.identification import Searches
from workers.evaluation.verification import Comparisons

_BINS = 15


def draw_verification(
    found: Comparisons,
    probability: Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]],
    folder: Path,
) -> None:
    """Write ``roc.png``, ``det.png``, ``scores.png`` and ``calibration.png``."""
    fmr, tmr, _ = roc_curve(found.same, found.scores, drop_intermediate=False)
    _draw_roc(fmr, tmr, folder / "roc.png")
    _draw_det(fmr, 1 - tmr, folder / "det.png")
    _draw_scores(found, folder / "scores.png")
    _draw_calibration(found, probability, folder / "calibration.png")


def draw_identification(searches: Mapping[str, Searches], folder: Path) -> None:
    """Write ``identification.png``: DIR over FPIR for each matcher."""
    figure, axes = plt.subplots()
    for name, found in searches.items():
        thresholds = np.sort(found.strangers)[::-1].tolist()
        fpir = [found.fpir_at(threshold) for threshold in thresholds]
        axes.plot(fpir, [found.dir_at(threshold) for threshold in thresholds], label=name)
    axes.set(xscale="log", xlabel="FPIR", ylabel="DIR", title="Open-set identification")
    axes.legend()
    _save(figure, folder / "identification.png")


def _draw_roc(fmr: np.ndarray, tmr: np.ndarray, path: Path) -> None:
    figure, axes = plt.subplots()
    axes.step(np.maximum(fmr, 1e-4), tmr, where="post")
    axes.set(xscale="log", xlabel="FMR", ylabel="1 - FNMR", title="Verification: ROC")
    _save(figure, path)


def _draw_det(fmr: np.ndarray, fnmr: np.ndarray, path: Path) -> None:
    """Draw both errors on normal-deviate scales, as Martin et al. 1997 do."""
    figure, axes = plt.subplots()
    inner = (fmr > 0) & (fmr < 1) & (fnmr > 0) & (fnmr < 1)
    axes.plot(norm.ppf(fmr[inner]), norm.ppf(fnmr[inner]))
    ticks = np.array([1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2])
    labels = [f"{100 * tick:g} %" for tick in ticks]
    axes.set_xticks(norm.ppf(ticks), labels)
    axes.set_yticks(norm.ppf(ticks), labels)
    axes.set(xlabel="FMR", ylabel="FNMR", title="Verification: DET")
    _save(figure, path)


def _draw_scores(found: Comparisons, path: Path) -> None:
    figure, axes = plt.subplots()
    bins = np.linspace(-0.6, 1, 81).tolist()
    for same, label in ((True, "one person"), (False, "two people")):
        axes.hist(found.scores[found.same == same], bins=bins, alpha=0.6, label=label)
    axes.set(xlabel="cosine", ylabel="pairs", title="Similarities")
    axes.legend()
    _save(figure, path)


def _draw_calibration(
    found: Comparisons,
    probability: Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]],
    path: Path,
) -> None:
    stated = probability(found.scores)
    places = np.minimum((stated * _BINS).astype(int), _BINS - 1)
    kept = np.unique(places)
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axes.plot(
        [stated[places == place].mean() for place in kept],
        [found.same[places == place].mean() for place in kept],
        marker="o",
    )
    axes.set(xlabel="stated probability", ylabel="share of one person", title="Calibration")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
