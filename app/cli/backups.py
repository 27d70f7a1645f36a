from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.domain.audit import Action
from app.settings import Settings
from app.storage.access.audit import record_if_there
from app.storage.database.engine import build_engine
from app.storage.erasure.ledger import list_erasures, read_erasures, write_erasures
from app.storage.erasure.scrub import PostgresScrub
from app.storage.upkeep.backup import write_backup
from app.storage.upkeep.restore import restore_backup

if TYPE_CHECKING:
    from sqlalchemy import Engine

_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


def _engine(url: str | None = None) -> Engine:
    return build_engine(url or Settings.load().database_url.get_secret_value(), pool_size=1)


@click.command()
@_file
def backup(file: Path) -> None:
    """Write everything that has to survive to FILE, as it is now.

    The file holds faces, photographs, hashes of keys and the secrets of webhooks: encrypt it.
    """
    engine = _engine()
    record_if_there(engine, Action.WRITE_BACKUP)
    manifest = write_backup(engine, file)
    click.echo(f"{file}: {len(manifest['tables'])} tables, {file.stat().st_size} bytes")


@click.command()
@_file
def erasures(file: Path) -> None:
    """Write the ids of what was erased to FILE; keep it beside the backups."""
    engine = _engine()
    record_if_there(engine, Action.LIST_ERASURES)
    click.echo(f"{file}: {write_erasures(engine, file)} ids")


@click.command()
def scrub() -> None:
    """Remove the bytes of what was erased from the database's files now.

    Each table is locked while it is rewritten. The service also scrubs by itself, in time.
    """
    click.echo(f"The bytes of {PostgresScrub(_engine()).run()} erased rows are gone.")


@click.command()
@_file
@click.option(
    "--erasures",
    "listed",
    type=click.Path(dir_okay=False, path_type=Path),
    help='What "erasures" wrote after the backup was taken.',
)
@click.option(
    "--replaces", envvar="REPLACED_URL", help="The live database, to read the erasures from."
)
@click.option("--without-erasures", is_flag=True, help="Nothing was erased since the backup.")
def restore(file: Path, listed: Path | None, replaces: str | None, without_erasures: bool) -> None:  # noqa: FBT001
    """Load FILE into an empty database, and erase again what was erased since.

    Start the service only after this has succeeded.
    """
    if [bool(listed), bool(replaces), without_erasures].count(True) != 1:
        raise click.UsageError("Give exactly one of --erasures, --replaces and --without-erasures.")
    known = None
    if listed:
        known = read_erasures(listed)
    elif replaces:
        known = list_erasures(_engine(replaces))
    engine = _engine()
    restore_backup(engine, file, erasures=known)
    record_if_there(engine, Action.RESTORE_BACKUP)
    click.echo("Every table equals the one in the backup, without what was erased since.")
