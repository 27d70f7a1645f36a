"""``python -m app.cli``: the commands that the API does not offer."""

from __future__ import annotations

import sys
from enum import IntEnum

import click

from app.cli.audit import audit
from app.cli.backups import backup, erasures, restore, scrub
from app.cli.compreface import service
from app.cli.database import migrate
from app.cli.imports import import_
from app.cli.keys import keys
from app.cli.models import models
from app.cli.openapi import openapi
from app.cli.tenants import tenants
from app.domain.errors import ConfigurationError, ServiceUnavailableError, VultusError


class ExitCode(IntEnum):
    """The exit status, for scripts."""

    FAILED = 1
    #: The settings cannot work; 2 is click's own, for wrong arguments.
    CONFIGURATION = 3
    #: Something cannot be reached, and may come back: try again.
    UNAVAILABLE = 4


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run the parts of Vultus that have no URL."""


cli.add_command(migrate)
cli.add_command(backup)
cli.add_command(restore)
cli.add_command(erasures)
cli.add_command(scrub)
cli.add_command(keys)
cli.add_command(models)
cli.add_command(service)
cli.add_command(tenants)
cli.add_command(import_)
cli.add_command(audit)
cli.add_command(openapi)


def main() -> None:
    """Run the command line; print one of our own errors in one line and exit with its status."""
    try:
        cli(prog_name="python -m app.cli")
    except VultusError as error:
        click.echo(f"{error.title}: {error.detail}", err=True)
        match error:
            case ConfigurationError():
                sys.exit(ExitCode.CONFIGURATION)
            case ServiceUnavailableError():
                sys.exit(ExitCode.UNAVAILABLE)
            case _:
                sys.exit(ExitCode.FAILED)
