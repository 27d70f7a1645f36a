from __future__ import annotations

import click

from app.settings import Settings
from app.storage.database.engine import build_engine
from app.storage.unit_of_work import SqlUnitOfWork
from app.storage.upkeep.migrate import migrate as run_migrations


@click.command()
def migrate() -> None:
    """Migrate the database to this version; safe to repeat."""
    settings = Settings.load()
    engine = build_engine(settings.database_url.get_secret_value(), pool_size=1)
    run_migrations(engine)
    click.echo("The database has the tables of this version.")
    with SqlUnitOfWork(engine) as work:
        for model in sorted(work.collections.names_by_model().keys() - {settings.model}):
            click.echo(
                f"Some collections use {model}, which the workers load beside {settings.model}. "
                f'If its weights are missing, run "python -m workers.fetch_weights --model '
                f'{model}". "python -m app.cli models" lists these collections.'
            )
