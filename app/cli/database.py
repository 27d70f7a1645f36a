from __future__ import annotations

import click

from app.settings import Settings
from app.storage.engine import build_engine
from app.storage.migrate import migrate as run_migrations


@click.command()
def migrate() -> None:
    """Bring the database to the tables of this version; safe to repeat."""
    settings = Settings.load()
    engine = build_engine(settings.database_url.get_secret_value(), pool_size=1)
    run_migrations(engine)
    click.echo("the database is up to date", err=True)
