"""Measure the recognition on a folder of labelled photographs."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import click

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from workers.crops.alignment import CropRecipe
from workers.engines.choose import EngineChoice, PrecisionChoice
from workers.evaluation.arguments import labelled_folder
from workers.evaluation.matchers import NAMES
from workers.evaluation.progress import progress_line
from workers.evaluation.report import last_line, table
from workers.evaluation.run import evaluate
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
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw PNG files too.")
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
    plots: bool,
    splits: int,
) -> None:
    """Measure verification and open-set identification on DATA, a folder in LFW's layout."""
    if plots and find_spec("matplotlib") is None:
        raise click.ClickException(
            "Plots need matplotlib, which is not installed here. Install it, or pass --no-plots."
        )
    dataset = labelled_folder(data)
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
        plots=plots,
        embedding_progress=progress_line("embedded", len(dataset.files())),
        progress=lambda line: click.echo(line, err=True),
    )
    click.echo(table(report))
    click.echo(f"\n{'plots and ' if plots else ''}report.json: {out}")
    click.echo(last_line(report))


if __name__ == "__main__":
    sys.exit(main())
