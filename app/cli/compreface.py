from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import click

from app.bootstrap import build_container
from app.cli.tenants import container_for, tenant_option
from app.compat.compreface.usecases.applications import (
    NewService,
    clone_service,
    create_service,
    delete_service,
    get_service,
    list_services,
    rename_service,
    rotate_key,
)
from app.domain.caller import Caller
from app.domain.compreface import ServiceType
from app.settings import Settings

if TYPE_CHECKING:
    from app.bootstrap import Container


@click.group()
def service() -> None:
    """Create and manage services with UUID keys, for clients of CompreFace."""


@service.command()
@click.option(
    "--app", "application", required=True, help="The application; created if it does not exist."
)
@click.option("--name", required=True, help="The service's name.")
@click.option(
    "--type",
    "kind",
    type=click.Choice([kind.value for kind in ServiceType]),
    required=True,
    help="What the key permits.",
)
@click.option("--key", type=click.UUID, help="A key that clients already hold; random when absent.")
@tenant_option
def create(application: str, name: str, kind: str, key: UUID | None, tenant: str) -> None:
    """Create a service and print its key; it cannot be shown again."""
    container, _ = container_for(tenant)
    wanted = NewService(
        application=application,
        name=name,
        type=ServiceType(kind),
        model=container.settings.model,
        key=key,
    )
    _, made = create_service(wanted, uow=container.uow, clock=container.clock)
    click.echo(made)


@service.command("list")
def list_() -> None:
    """Print every service's id, type, application and name."""
    container = build_container(Settings.load())
    for application, services in list_services(uow=container.uow):
        for one in services:
            click.echo(f"{one.id}  {one.type:11}  {application.name}  {one.name}")


@service.command()
@click.argument("service_id", type=click.UUID)
@click.argument("name")
def rename(service_id: UUID, name: str) -> None:
    """Rename a service."""
    container, _ = _acting_for(service_id)
    rename_service(service_id, name, uow=container.uow)


@service.command("rotate-key")
@click.argument("service_id", type=click.UUID)
def rotate_key_(service_id: UUID) -> None:
    """Replace a service's key and print the new one; the old one stops working at once."""
    container, _ = _acting_for(service_id)
    _, key = rotate_key(service_id, uow=container.uow)
    click.echo(key)


@service.command()
@click.argument("service_id", type=click.UUID)
@click.argument("name")
def clone(service_id: UUID, name: str) -> None:
    """Copy a service with its people under another name and print the copy's key."""
    container, _ = _acting_for(service_id)
    _, key = clone_service(service_id, name, uow=container.uow, clock=container.clock)
    click.echo(key)


@service.command()
@click.argument("service_id", type=click.UUID)
def delete(service_id: UUID) -> None:
    """Delete a service with its subjects, faces, photographs and jobs."""
    container, caller = _acting_for(service_id)
    delete_service(service_id, receipts=container.receipts, caller=caller, uow=container.uow)


def _acting_for(service_id: UUID) -> tuple[Container, Caller]:
    """Return the container that acts for the tenant of a service, and the operator.

    Raises: NotFoundError.
    """
    container = build_container(Settings.load())
    tenant_id = get_service(service_id, uow=container.uow).tenant_id
    return container.acting_for(tenant_id), Caller.of_command_line(tenant_id)
