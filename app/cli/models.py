from __future__ import annotations

import click

from app.bootstrap import build_container
from app.settings import Settings


@click.command()
def models() -> None:
    """Print the models that you can choose, and the collections of each."""
    settings = Settings.load()
    container = build_container(settings)
    with container.uow() as work:
        names = work.collections.names_by_model()
    for model in container.models.values():
        marks = ["running"] if model.id == settings.model else []
        if not model.fitted:
            marks.append("thresholds not fitted")
        click.echo(f"{model.id}  {model.dimension}-d  {', '.join(marks)}".rstrip())
        for name in names.pop(model.id, []):
            click.echo(f"  {name}")
    for model_id, unusable in names.items():
        click.echo(f"{model_id}  not known to this version")
        for name in unusable:
            click.echo(f"  {name}")
