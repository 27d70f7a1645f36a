"""Telling how far a long step is."""

from collections.abc import Callable

import click

_LINES = 10


def progress_line(label: str, total: int) -> Callable[[int], None]:
    """Return a function that tells on standard error, about ten times in all, how far it is."""
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        if done * _LINES // total > told:
            told = done * _LINES // total
            click.echo(f"{label}: {done} of {total}", err=True)

    return tell
