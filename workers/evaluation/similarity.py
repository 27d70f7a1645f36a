"""Fit the curve that CompreFace's clients read similarities by, and write it beside its routes.

``python -m workers.evaluation.similarity DATA`` embeds the photographs of DATA's pairs.csv, writes
the distance of each pair to ``distances/MODEL.csv`` beside this module and fits ``c0`` and ``c1``
of ``(tanh((c0 - distance) * c1) + 1) / 2`` to them: the logistic curve of the greatest likelihood,
with genuine and impostor pairs weighing the same, as 0.5 is where CompreFace puts its threshold.
"""

import csv
import sys
from pathlib import Path

import click
import numpy as np
from jaxtyping import Bool, Float

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from workers.evaluation.arguments import labelled_folder
from workers.evaluation.calibrators import fit_logistic
from workers.evaluation.embeddings import embed_files
from workers.evaluation.progress import progress_line
from workers.evaluation.rates import NOT_COMPARED
from workers.evaluation.verification import compare
from workers.registry import build_pipeline

DISTANCES = Path(__file__).with_name("distances")


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", default="facenet-msceleb-128", show_default=True)
@click.option("--weights", default=DEFAULT_WEIGHTS_DIR, type=click.Path(path_type=Path))
@click.option(
    "--distances",
    "folder",
    default=DISTANCES,
    type=click.Path(file_okay=False, writable=True, path_type=Path),
    help="The folder whose list of the model's distances is replaced.",
)
def main(data: Path, model: str, weights: Path, folder: Path) -> None:
    """Measure the distances of DATA's pairs and print the fitted c0 and c1."""
    dataset = labelled_folder(data, pairs=True)
    files = sorted({file for pair in dataset.pairs for file in (pair.first, pair.second)})
    pipeline = build_pipeline(model, weights_dir=weights)
    embedded = embed_files(
        pipeline, dataset.root, files, progress=progress_line("embedded", len(files))
    )
    found = compare(dataset.pairs, embedded.vectors)
    compared = found.scores > NOT_COMPARED
    distances = np.sqrt(np.maximum(2 - 2 * found.scores[compared], 0))
    write_distances(folder / f"{model}.csv", distances, found.same[compared])
    c0, c1 = fit(*read_distances(folder / f"{model}.csv"))
    click.echo(f"[{model}]\nc0 = {c0:.4f}\nc1 = {c1:.4f}")


def fit(distances: Float[np.ndarray, " n"], same: Bool[np.ndarray, " n"]) -> tuple[float, float]:
    """Return c0 and c1: the distance of even chances, and half the steepness around it."""
    slope, intercept = fit_logistic(distances, same)
    return -intercept / slope, -slope / 2


def write_distances(
    path: Path, distances: Float[np.ndarray, " n"], same: Bool[np.ndarray, " n"]
) -> None:
    """Write one line for each pair, in the order of the list of pairs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["distance", "same"])
        rows.writerows(
            (f"{distance:.5f}", int(one)) for distance, one in zip(distances, same, strict=True)
        )


def read_distances(path: Path) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Return the distances and whether each pair shows one person."""
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 0], table[:, 1] == 1


if __name__ == "__main__":
    sys.exit(main())
