from __future__ import annotations

import click

from app.cli.tenants import container_for, tenant_option
from app.domain.access import Scope
from app.services.access.keys import create_key, list_keys


@click.group()
def keys() -> None:
    """Create and list API keys."""


@keys.command()
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default=Scope.WRITE.value,
    show_default=True,
    help="What it permits; each scope includes those before it.",
)
@tenant_option
def create(name: str, scope: str, tenant: str) -> None:
    """Create a key and print it; it cannot be shown again."""
    container, caller = container_for(tenant)
    _, credential = create_key(
        name=name,
        scope=Scope(scope),
        caller=caller,
        uow=container.uow,
        clock=container.clock,
    )
    click.echo(credential)


@keys.command("list")
@tenant_option
def list_(tenant: str) -> None:
    """Print every key's id, scope and name, oldest first."""
    container, caller = container_for(tenant)
    for key in list_keys(caller=caller, uow=container.uow):
        state = "live" if key.is_live(container.clock.now()) else "closed"
        click.echo(f"{key.id}  {key.scope:5}  {state:6}  {key.name}")
