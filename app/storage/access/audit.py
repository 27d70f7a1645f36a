"""The audit trail: rows beside what they tell of, sealed later by the sweep."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import BigInteger, LargeBinary, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUuid  # noqa: N811 - the name UUID is taken
from sqlalchemy.dialects.postgresql import insert as upsert

from app import observability
from app.domain.audit import Actor, ActorKind, AuditHead, AuditRecord, Verdict
from app.domain.identity import new_id
from app.domain.setback import Chore
from app.storage.database.setbacks import not_aside
from app.storage.database.tenancy import TenantSession
from app.storage.tables import AuditHeadRow, AuditRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import Engine, Table

    from app.domain.audit import Action, Detail

_RECORDS = cast("Table", AuditRow.__table__)
_HEADS = cast("Table", AuditHeadRow.__table__)
_SELECT_HEAD = select(*(column for column in _HEADS.c if column.name != "id"))
#: The columns that a new record is given, here as the names of parameters.
_GIVEN = (
    "id",
    "actor_kind",
    "actor_id",
    "action",
    "verdict",
    "target_kind",
    "target_id",
    "request_id",
    "details",
)


def add_record(prefix: str = "audit_") -> Any:  # noqa: ANN401 - SQLAlchemy's types are long
    """Insert a record; its parameters are those of :func:`record_parameters`."""
    given = {name: bindparam(prefix + name, type_=_RECORDS.c[name].type) for name in _GIVEN}
    return insert(_RECORDS).values(given)


def record_parameters(
    session: TenantSession,
    action: Action,
    target_id: UUID | None,
    *,
    target_kind: str | None = None,
    verdict: Verdict = Verdict.DONE,
    details: Mapping[str, Detail],
    prefix: str = "audit_",
) -> dict[str, Any]:
    """Return the values of a new record."""
    values = (
        new_id(),
        session.actor.kind,
        session.actor.id,
        action,
        verdict,
        target_kind or action.partition(".")[0],
        target_id,
        observability.request_id.get(),
        details,
    )
    return {prefix + name: value for name, value in zip(_GIVEN, values, strict=True)}


_ADD_RECORD = add_record()

_SEAL = (
    func.unnest(
        bindparam("ids", type_=ARRAY(PgUuid())),
        bindparam("sequences", type_=ARRAY(BigInteger())),
        bindparam("macs", type_=ARRAY(LargeBinary())),
    )
    .table_valued("id", "sequence", "mac", name="sealed")
    .render_derived()
)
_SEAL_RECORDS = (
    update(_RECORDS)
    .where(_RECORDS.c.id == _SEAL.c.id)
    .values(sequence=_SEAL.c.sequence, mac=_SEAL.c.mac)
)


def _record(row: Any) -> AuditRecord:  # noqa: ANN401 - a row of the table
    return AuditRecord(
        id=row.id,
        sequence=row.sequence,
        mac=row.mac,
        at=row.at,
        tenant_id=row.tenant_id,
        actor=Actor(ActorKind(row.actor_kind), row.actor_id),
        action=row.action,
        verdict=row.verdict,
        target_kind=row.target_kind,
        target_id=row.target_id,
        request_id=row.request_id,
        details=row.details,
    )


def record_if_there(engine: Engine, action: Action) -> None:
    """Write down what the command line does to a database that may be older than the trail."""
    with TenantSession(engine, None, Actor(ActorKind.COMMAND_LINE)) as session, session.begin():
        if session.scalar(select(func.to_regclass(_RECORDS.name))) is not None:
            SqlAuditTrail(session).record(action)


class SqlAuditTrail:
    """See :class:`app.services.ports.AuditTrail`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session

    def record(
        self,
        action: Action,
        target_id: UUID | None = None,
        *,
        target_kind: str | None = None,
        verdict: Verdict = Verdict.DONE,
        tenant_id: UUID | None = None,
        **details: Detail,
    ) -> None:
        told = {} if tenant_id is None else {"tenant_id": tenant_id}
        values = record_parameters(
            self._session,
            action,
            target_id,
            target_kind=target_kind,
            verdict=verdict,
            details=details,
        )
        self._session.execute(_ADD_RECORD.values(told), values)

    def page(
        self, *, action: Action | None, target_id: UUID | None, before: UUID | None, limit: int
    ) -> list[AuditRecord]:
        query = select(_RECORDS).where(self._session.owned(AuditRow))
        if action is not None:
            query = query.where(_RECORDS.c.action == action)
        if target_id is not None:
            query = query.where(_RECORDS.c.target_id == target_id)
        if before is not None:
            query = query.where(_RECORDS.c.id < before)
        query = query.order_by(_RECORDS.c.id.desc()).limit(limit)
        return [_record(row) for row in self._session.execute(query)]

    def hold_still(self) -> None:
        self._session.connection(execution_options={"isolation_level": "REPEATABLE READ"})

    def chain(self, *, after: int, limit: int) -> list[AuditRecord]:
        query = select(_RECORDS).where(_RECORDS.c.sequence > after)
        query = query.order_by(_RECORDS.c.sequence).limit(limit)
        return [_record(row) for row in self._session.execute(query)]

    def unsealed(self, *, limit: int, only: Sequence[UUID] | None = None) -> list[AuditRecord]:
        query = select(_RECORDS).where(
            _RECORDS.c.sequence.is_(None), not_aside(Chore.AUDIT, _RECORDS.c.id)
        )
        if only is not None:
            query = query.where(_RECORDS.c.id.in_(only))
        query = query.order_by(_RECORDS.c.id).limit(limit)
        return [_record(row) for row in self._session.execute(query)]

    def unsealed_ids(self, *, limit: int, aside: bool = False) -> list[UUID]:
        query = select(_RECORDS.c.id).where(_RECORDS.c.sequence.is_(None))
        if not aside:
            query = query.where(not_aside(Chore.AUDIT, _RECORDS.c.id))
        return list(self._session.scalars(query.order_by(_RECORDS.c.id).limit(limit)))

    def head(self) -> AuditHead | None:
        row = self._session.execute(_SELECT_HEAD).one_or_none()
        return None if row is None else AuditHead(**row._mapping)  # noqa: SLF001 - its public name

    def lock_head(self, first: AuditHead) -> AuditHead:
        values = {"id": 1, **asdict(first)}
        self._session.execute(upsert(_HEADS).values(values).on_conflict_do_nothing())
        row = self._session.execute(_SELECT_HEAD.with_for_update()).one()
        return AuditHead(**row._mapping)  # noqa: SLF001

    def put_head(self, head: AuditHead) -> None:
        self._session.execute(update(_HEADS).values(asdict(head)))

    def seal(self, records: Sequence[AuditRecord]) -> None:
        self._session.execute(
            _SEAL_RECORDS,
            {
                "ids": [record.id for record in records],
                "sequences": [record.sequence for record in records],
                "macs": [record.mac for record in records],
            },
        )

    def prune(self, sequence: int) -> None:
        self._session.execute(delete(_RECORDS).where(_RECORDS.c.sequence <= sequence))
