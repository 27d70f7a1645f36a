from __future__ import annotations

import click

from app.cli.tenants import container_for, tenant_option
from app.compat.compreface.migration import Report, migrate
from app.compat.compreface.source import Source


@click.group("import")
def import_() -> None:
    """Bring people over from another system."""


@import_.command()
@click.option("--dsn", required=True, envvar="COMPREFACE_DSN", help="CompreFace's database.")
@tenant_option
def compreface(dsn: str, tenant: str) -> None:
    """Carry services, keys, subjects and photographs over from CompreFace 1.2.0.

    The photographs are embedded again by the running workers. Repeat the command to go on after an
    interruption. What could not be carried over is listed at the end.
    """
    container, _ = container_for(tenant)
    with Source(dsn) as source:
        report = migrate(source, container, progress=_show)
    click.echo("", err=True)
    click.echo(
        f"{report.services} services made, {report.enrolled} examples enrolled, "
        f"{report.there_before} there before, {len(report.left_behind)} left behind"
    )
    for what, reason in report.left_behind:
        click.echo(f"{what}: {reason}")


def _show(report: Report) -> None:
    done = report.enrolled + report.there_before
    click.echo(f"\r{done} examples, {len(report.left_behind)} left behind", nl=False, err=True)
