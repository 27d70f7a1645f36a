"""Fit how a model's cosines are read, and write it beside the weights.

``python -m workers.evaluation.fit DATA`` embeds the photographs of DATA's pairs.csv with the
service's pipeline and compares every photograph with every other one: the listed pairs are too few
to tell one false match in ten thousand.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np
from jaxtyping import Float32

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from workers.engines.choose import EngineChoice, PrecisionChoice
from workers.evaluation.all_pairs import all_pairs
from workers.evaluation.arguments import labelled_folder
from workers.evaluation.calibration_file import read_calibration, write_calibration
from workers.evaluation.calibrators import fit_logistic
from workers.evaluation.dataset import Dataset
from workers.evaluation.embeddings import embed_files
from workers.evaluation.progress import progress_line
from workers.evaluation.rates import NOT_COMPARED, threshold_at
from workers.evaluation.verification import compare
from workers.matching.cohort import Cohort, cohort_path, write_cohort
from workers.registry import build_pipeline

#: One pair of different people in ten thousand is called a match, one in a hundred possible.
_MATCH_FMR = 1e-4
_POSSIBLE_FMR = 1e-2

#: Two names with a cosine from here on are taken for one person.
_ONE_PERSON = 0.75


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", default="facenet-msceleb-128", show_default=True)
@click.option("--engine", default="auto", type=click.Choice(get_args(EngineChoice)))
@click.option("--precision", default="auto", type=click.Choice(get_args(PrecisionChoice)))
@click.option("--weights", default=DEFAULT_WEIGHTS_DIR, type=click.Path(path_type=Path))
@click.option(
    "--calibration",
    default=DEFAULT_WEIGHTS_DIR / "calibration.toml",
    type=click.Path(exists=True, dir_okay=False, writable=True, path_type=Path),
    help="The file whose entry of the model is replaced; cohorts/ beside it gets the cohort.",
)
def main(
    data: Path,
    model: str,
    engine: EngineChoice,
    precision: PrecisionChoice,
    weights: Path,
    calibration: Path,
) -> None:
    """Fit MODEL's thresholds and calibration on the pairs of DATA, a folder in LFW's layout."""
    dataset = labelled_folder(data, pairs=True)
    files = sorted({file for pair in dataset.pairs for file in (pair.first, pair.second)})
    pipeline = build_pipeline(model, engine=engine, precision=precision, weights_dir=weights)
    embedded = embed_files(
        pipeline, dataset.root, files, progress=progress_line("embedded", len(files))
    )
    cohort = cohort_of(dataset, embedded.vectors)
    entries = read_calibration(calibration)
    entries[model] = {
        "dimension": pipeline.card.dimension,
        **fitted(embedded.vectors),
        "fitted_on": f"{data.name}/pairs.csv: every pair of its {len(files)} photographs",
    }
    write_calibration(calibration, entries)
    click.echo(f"{model}: {entries[model]}")
    write_cohort(cohort_path(calibration.parent, model), cohort)
    click.echo(f"cohort: {len(cohort.strangers)} strangers")


def fitted(vectors: Mapping[str, Float32[np.ndarray, " d"]]) -> dict[str, Any]:
    """Return thresholds and calibration fitted on all pairs of photographs."""
    found = all_pairs(vectors)
    slope, intercept = fit_logistic(found.scores, found.same)
    impostors = found.scores[~found.same]
    return {
        "match": round(threshold_at(impostors, _MATCH_FMR), 3),
        "possible": round(threshold_at(impostors, _POSSIBLE_FMR), 3),
        "slope": round(slope, 2),
        "intercept": round(intercept, 2),
    }


def cohort_of(dataset: Dataset, vectors: Mapping[str, Float32[np.ndarray, " d"]]) -> Cohort:
    """Make a cohort of the people of pairs.csv who have no part in identification.csv.

    One photograph of each; of two who look like one person only the first.
    """
    taken = {photograph.file.split("/")[0] for photograph in dataset.photographs}
    firsts: dict[str, Float32[np.ndarray, " d"]] = {}
    for file in sorted(vectors):
        person = file.split("/")[0]
        alike = any(float(vectors[file] @ other) >= _ONE_PERSON for other in firsts.values())
        if person not in taken and person not in firsts and not alike:
            firsts[person] = vectors[file]
    if not firsts:
        raise click.ClickException(
            "No stranger is left for the cohort: everyone in pairs.csv is in identification.csv "
            "too. Add pairs of other people."
        )
    found = compare(dataset.pairs, vectors)
    genuine = found.scores[found.same & (found.scores > NOT_COMPARED)]
    return Cohort(np.stack(list(firsts.values())), np.quantile(genuine, np.linspace(0, 1, 101)))


if __name__ == "__main__":
    sys.exit(main())
