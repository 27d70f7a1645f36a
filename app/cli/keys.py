from __future__ import annotations

import click

from app.bootstrap import build_container
from app.domain.access import Scope
from app.services.keys import create_key, list_keys
from app.settings import Settings


@click.group()
def keys() -> None:
    """Make and list API keys."""


@keys.command()
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default=Scope.WRITE.value,
    show_default=True,
    help="What it permits; each scope includes those before it.",
)
def create(name: str, scope: str) -> None:
    """Make a key and print it; it cannot be shown again."""
    container = build_container(Settings.load())
    _, credential = create_key(
        name=name, scope=Scope(scope), uow=container.uow, clock=container.clock
    )
    click.echo(credential)


@keys.command("list")
def list_() -> None:
    """Print every key's id, scope and name, oldest first."""
    container = build_container(Settings.load())
    for key in list_keys(uow=container.uow):
        state = "live" if key.is_live(container.clock.now()) else "closed"
        click.echo(f"{key.id}  {key.scope:5}  {state:6}  {key.name}")
