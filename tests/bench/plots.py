"""Pictures of a measurement, as PNG files."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("Agg")  # before pyplot: no display is needed

import numpy as np
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.measurement import Measurement


def draw(found: Measurement, folder: Path) -> None:
    """Write ``throughput.png`` and ``latency.png``."""
    _throughput(found, folder / "throughput.png")
    _latency(found, folder / "latency.png")


def _throughput(found: Measurement, path: Path) -> None:
    figure, rows = plt.subplots(len(found.turns), figsize=(9, 3.5 * len(found.turns)))
    for axes, (name, turns) in zip(np.atleast_1d(rows), found.turns.items(), strict=True):
        entries = list(reversed(turns))
        speeds = [[turn.images_per_s for turn in turns[entry]] for entry in entries]
        middle = np.array([median(own) for own in speeds])
        spread = [
            middle - [min(own) for own in speeds],
            np.array([max(own) for own in speeds]) - middle,
        ]
        axes.barh(entries, middle, xerr=spread)
        axes.set(xlabel="images/s", title=name)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _latency(found: Measurement, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(8, 4))
    series = {
        "in process": found.latencies.in_process,
        "Prefer: wait": found.latencies.waiting,
        "submit, then wait": found.latencies.polling,
    }
    for name, values in series.items():
        ordered = 1000 * np.sort(values)
        axes.step(ordered, np.arange(1, len(values) + 1) / len(values), where="post", label=name)
    axes.set(xlabel="ms", ylabel="share of requests", title="One recognition, idle")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
