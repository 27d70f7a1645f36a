"""`python -m deploy.local up | down | status`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click

from deploy.local import private_files
from deploy.local.locking import running_process
from deploy.local.paths import DEFAULT_STATE, StateFolder
from deploy.local.serve import become_server
from deploy.local.up import run_stack
from deploy.local.waiting import wait_until

_STOP_PATIENCE_S = 180.0

state_option = click.option(
    "--state",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    default=DEFAULT_STATE,
    show_default=True,
    help="The folder of data, secrets and logs.",
)


@click.group()
def cli() -> None:
    """Run Vultus on this machine, without containers."""


@cli.command()
@state_option
@click.option("--port", type=int, help="The web port; by default 8000, or a free one.")
@click.option("--workers", type=int, help="Inference processes; by default one per processor.")
def up(state: Path, port: int | None, workers: int | None) -> None:
    """Run everything in the foreground until Ctrl-C or TERM."""
    try:
        run_stack(StateFolder(state), port=port, workers=workers)
    except (RuntimeError, OSError) as error:
        sys.exit(f"The service stopped. {error}")


@cli.command()
@state_option
def down(state: Path) -> None:
    """Stop a stack that runs elsewhere."""
    folder = StateFolder(state)
    pid = running_process(folder)
    if pid is None:
        click.echo("Nothing is running.")
        return
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: running_process(folder) is None, _STOP_PATIENCE_S, "the stack to stop")
    click.echo("Stopped.")


@cli.command()
@state_option
def status(state: Path) -> None:
    """Show whether a stack runs, and where."""
    folder = StateFolder(state)
    pid = running_process(folder)
    if pid is None:
        sys.exit("Nothing is running.")
    click.echo(f"Process {pid}, {private_files.read(folder.access).get('base_url', 'starting')}.")


@cli.command(hidden=True)
@state_option
@click.argument("server", type=click.Choice(["postgres", "redis"]))
def serve(state: Path, server: str) -> None:
    """Become an embedded server; the supervisor calls this at every start."""
    become_server(StateFolder(state), server)


if __name__ == "__main__":
    cli()
