from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.bootstrap import Container, build_container
from app.cli.tenants import container_for, tenant_option
from app.domain.audit import Action, AuditChain
from app.services.access.audit_trail import (
    check_trail,
    get_head,
    list_records,
    prune_records,
    record_action,
    reseal_head,
)
from app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from app.domain.audit import AuditRecord
    from app.domain.caller import Caller

_PAGE = 500
_MAC_BYTES = 32

_former_keys = click.option(
    "--former-key",
    "former",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A file with an earlier VULTUS_SECRET_KEY; may be repeated.",
)


class _Place(click.ParamType[tuple[int, bytes]]):
    """A number and a code, as "audit head" prints them."""

    name = "SEQ:MAC"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, bytes]:  # noqa: ANN401
        """Read the text, once."""
        if isinstance(value, tuple):
            return value
        number, _, code = str(value).partition(":")
        try:
            place = int(number), bytes.fromhex(code)
        except ValueError:
            place = -1, b""
        if place[0] < 0 or len(place[1]) != _MAC_BYTES:
            self.fail('Give it as "audit head" prints it, such as "1234:9f86d0...".', param, ctx)
        return place


@click.group()
def audit() -> None:
    """Read and check the audit trail: who did what."""


@audit.command("list")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="How many records to print.",
)
@tenant_option
def list_(limit: int, tenant: str) -> None:
    """Print a tenant's latest records, newest first."""
    container, caller = container_for(tenant)
    for _, record in zip(range(limit), _records(container, caller), strict=False):
        actor = " ".join(str(part) for part in (record.actor.kind, record.actor.id) if part)
        target = " ".join(str(part) for part in (record.target_kind, record.target_id) if part)
        place = record.sequence or "-"
        click.echo(
            f"{place:>8}  {record.at.isoformat(timespec='milliseconds')}  {record.action:22}"
            f"  {record.verdict:15}  {actor}  {target}"
        )


@audit.command()
@click.argument("file", type=click.File("x", encoding="utf-8"))
@tenant_option
def export(file: Any, tenant: str) -> None:  # noqa: ANN401 - an open file
    """Write all records of a tenant to a new FILE, one JSON object a line, newest first."""
    container, caller = container_for(tenant)
    record_action(Action.EXPORT_AUDIT, caller.tenant_id, uow=container.uow)
    count = 0
    for record in _records(container, caller):
        file.write(json.dumps(_document(record)) + "\n")
        count += 1
    click.echo(f"{file.name}: {count} records")


@audit.command()
def head() -> None:
    """Print the end of the trail: note it elsewhere, and give it to "audit verify" later."""
    found = get_head(uow=build_container(Settings.load()).uow)
    click.echo(found or "Nothing is sealed yet.")


@audit.command()
@click.option("--head", "noted", type=_Place(), help='An earlier output of "audit head".')
@_former_keys
def verify(noted: tuple[int, bytes] | None, former: tuple[Path, ...]) -> None:
    """Check that no record was changed, removed or moved; print the first that was."""
    container = build_container(Settings.load())
    check = check_trail([_chain(container), *map(_former, former)], noted=noted, uow=container.uow)
    click.echo(f"{check.sound} records are unchanged; {check.unsealed} are not sealed yet.")
    if check.fault is not None:
        click.echo(check.fault.what, err=True)
        sys.exit(1)
    click.echo(f"The head is {check.head}." if check.head else "There is no head yet.")


@audit.command()
@click.option(
    "--former-key",
    "former",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="A file with the former VULTUS_SECRET_KEY.",
)
def rekey(former: Path) -> None:
    """Continue the trail after a change of VULTUS_SECRET_KEY; then verify it with both keys."""
    container = build_container(Settings.load())
    click.echo(reseal_head(_chain(container), _former(former), uow=container.uow))


@audit.command()
@_former_keys
def prune(former: tuple[Path, ...]) -> None:
    """Remove expired records now, also those sealed by a former key, which the sweep leaves."""
    container = build_container(Settings.load())
    chains = [_chain(container), *map(_former, former)]
    keep = timedelta(days=container.settings.audit_retention_days)
    count = 0
    while pruned := prune_records(chains, keep=keep, uow=container.uow, clock=container.clock):
        count += pruned
    click.echo(f"{count} records removed.")


def _chain(container: Container) -> AuditChain:
    return AuditChain(container.settings.secret_key.get_secret_value())


def _former(file: Path) -> AuditChain:
    return AuditChain(file.read_text(encoding="utf-8").strip())


def _records(container: Container, caller: Caller) -> Iterator[AuditRecord]:
    before: UUID | None = None
    while found := list_records(before=before, limit=_PAGE, caller=caller, uow=container.uow):
        yield from found
        before = found[-1].id


def _document(record: AuditRecord) -> dict[str, Any]:
    return {
        "sequence": record.sequence,
        "mac": record.mac and record.mac.hex(),
        "id": str(record.id),
        "at": record.at.isoformat(),
        "tenant": str(record.tenant_id),
        "actor": {"kind": record.actor.kind, "id": record.actor.id and str(record.actor.id)},
        "action": record.action,
        "verdict": record.verdict,
        "target": {
            "kind": record.target_kind,
            "id": record.target_id and str(record.target_id),
        },
        "request_id": record.request_id,
        "details": dict(record.details),
    }
