from __future__ import annotations

import click

from app.bootstrap import build_container
from app.settings import Settings


@click.command()
def models() -> None:
    """Print the models that can be chosen; the one in use is marked."""
    settings = Settings.load()
    container = build_container(settings)
    with container.uow() as work:
        used = work.collections.models()
    for model in container.models.values():
        marks = ["running" if model.id == settings.model else ""]
        marks.append("has collections" if model.id in used else "")
        click.echo(f"{model.id}  {model.dimension}-d  {', '.join(filter(None, marks))}".rstrip())
