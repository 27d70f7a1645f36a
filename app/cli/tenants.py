from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from app.bootstrap import build_container
from app.domain.caller import Caller
from app.domain.documents import to_document
from app.domain.tenant import DEFAULT_TENANT
from app.services.access.tenants import create_tenant, delete_tenant, find_tenant, list_tenants
from app.settings import Settings

if TYPE_CHECKING:
    from app.bootstrap import Container

#: For commands that act for one tenant.
tenant_option = click.option(
    "--tenant", default=DEFAULT_TENANT, show_default=True, help="The tenant to act for."
)


def container_for(name: str) -> tuple[Container, Caller]:
    """Return the container that acts for a tenant, and the operator. Raises: NotFoundError."""
    container = build_container(Settings.load())
    tenant = find_tenant(name, uow=container.uow)
    return container.acting_for(tenant.id), Caller.of_command_line(tenant.id)


@click.group()
def tenants() -> None:
    """Create, list and delete tenants: parties that share the service and never see one another."""


@tenants.command()
@click.argument("name")
def create(name: str) -> None:
    """Create a tenant; then create its keys with "keys create --tenant"."""
    container = build_container(Settings.load())
    click.echo(create_tenant(name, uow=container.uow, clock=container.clock).id)


@tenants.command("list")
def list_() -> None:
    """Print every tenant's id and name, oldest first."""
    container = build_container(Settings.load())
    for tenant in list_tenants(uow=container.uow):
        click.echo(f"{tenant.id}  {tenant.name}")


@tenants.command()
@click.argument("name")
@click.confirmation_option(prompt="This deletes its keys, people, photographs and jobs. Continue?")
def delete(name: str) -> None:
    """Erase a tenant and everything that belongs to it, and print the receipt."""
    container = build_container(Settings.load())
    receipt = delete_tenant(name, receipts=container.receipts, uow=container.uow)
    told = {} if receipt.result is None else to_document(receipt.result)
    click.echo(json.dumps({"receipt": str(receipt.id), **told}, indent=2))
