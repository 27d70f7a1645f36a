"""What the commands of the evaluation take: a folder of labelled photographs."""

from pathlib import Path

import click

from workers.evaluation.dataset import Dataset, read_dataset


def labelled_folder(data: Path, *, pairs: bool = False) -> Dataset:
    """Read a folder in LFW's layout; with ``pairs`` it has to list pairs.

    Raises: click.ClickException: the folder's lists are missing or not understood.
    """
    try:
        dataset = read_dataset(data)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if pairs and not dataset.pairs:
        raise click.ClickException(f"{data} lists no pairs. Add a pairs.csv, then try again.")
    return dataset
