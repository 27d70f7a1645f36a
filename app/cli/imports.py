from __future__ import annotations

import click

from app.cli.tenants import container_for, tenant_option
from app.compat.compreface.migration import Report, migrate
from app.compat.compreface.source import Source


@click.group("import")
def import_() -> None:
    """Import people from another system."""


@import_.command()
@click.option("--dsn", required=True, envvar="COMPREFACE_DSN", help="CompreFace's database.")
@tenant_option
def compreface(dsn: str, tenant: str) -> None:
    """Import services, keys, subjects and photographs from CompreFace 1.2.0.

    The running workers embed the photographs again. After an interruption, repeat the command: it
    continues. The end of its output lists what could not be imported, with the reason.
    """
    container, _ = container_for(tenant)
    with Source(dsn) as source:
        report = migrate(source, container, progress=_show)
    click.echo("", err=True)
    click.echo(
        f"{report.services} services created, {report.enrolled} examples enrolled, "
        f"{report.there_before} already there, {len(report.left_behind)} left behind."
    )
    for what, reason in report.left_behind:
        click.echo(f"{what}: {reason}")


def _show(report: Report) -> None:
    done = report.enrolled + report.there_before
    click.echo(f"\r{done} examples, {len(report.left_behind)} left behind", nl=False, err=True)
