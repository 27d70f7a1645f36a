"""Measure the recognition on a folder of labelled photographs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

import click

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from workers.evaluation.dataset import read_dataset
from workers.evaluation.matchers import NAMES
from workers.evaluation.progress import progress_line
from workers.evaluation.report import last_line, table
from workers.evaluation.run import evaluate
from workers.crops.alignment import CropRecipe
from workers.engines.choose import EngineChoice, PrecisionChoice
from workers.registry import build_pipeline


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", default="var/evaluation", type=click.Path(path_type=Path))
@click.option("--model", default="facenet-msceleb-128", show_default=True)
@click.option("--engine", default="auto", type=click.Choice(get_args(EngineChoice)))
@click.option("--precision", default="auto", type=click.Choice(get_args(PrecisionChoice)))
@click.option("--threads", default=1, show_default=True)
@click.option("--crop", default="aligned", type=click.Choice(get_args(CropRecipe)))
@click.option("--flip", is_flag=True, help="Embed mirror images too.")
@click.option("--weights", default=DEFAULT_WEIGHTS_DIR, type=click.Path(path_type=Path))
@click.option(
    "--matcher",
    "matchers",
    multiple=True,
    type=click.Choice(NAMES),
    help="Measure only this one; may be repeated.",
)
@click.option("--splits", default=5, show_default=True, help="Choices of people for each size.")
def main(
    data: Path,
    *,
    out: Path,
    model: str,
    engine: EngineChoice,
    precision: PrecisionChoice,
    threads: int,
    crop: CropRecipe,
    flip: bool,
    weights: Path,
    matchers: tuple[str, ...],
    splits: int,
) -> None:
    """Measure verification and open-set identification on DATA, a folder in LFW's layout."""
    try:
        dataset = read_dataset(data)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    pipeline = build_pipeline(
        model,
        engine=engine,
        precision=precision,
        threads=threads,
        crop=crop,
        flip=flip,
        weights_dir=weights,
    )
    report = evaluate(
        dataset,
        pipeline,
        out=out,
        weights_dir=weights,
        recipe=f"{crop}{' + flip' if flip else ''}",
        matchers=matchers or NAMES,
        splits=splits,
        embedding_progress=progress_line("embedded", len(dataset.files())),
        progress=lambda line: click.echo(line, err=True),
    )
    click.echo(table(report))
    click.echo(f"\nplots and report.json: {out}")
    click.echo(last_line(report))


if __name__ == "__main__":
    sys.exit(main())
