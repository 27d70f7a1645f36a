from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Interval, and_, delete, exists, func, literal, or_, text
from sqlalchemy.dialects.postgresql import insert

from app.domain.delivery import DeliveryState
from app.domain.setback import Chore
from app.storage.tables import DeliveryRow, SetbackRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.orm import Session


_ROWS = cast("Table", SetbackRow.__table__)

_FIRST_WAIT_S = 30
_LONGEST_WAIT_S = 3600
#: What was not tried for so long is not there any more.
_STALE = "3 hours"
#: Stands for a chore as a whole.
_ALL = UUID(int=0)

_COUNTS = text("SELECT chore, things FROM count_setbacks()")


def not_aside(chore: Chore, item: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a column
    """Hold for things that are not set aside now."""
    return ~exists().where(
        _ROWS.c.chore == chore, _ROWS.c.item == item, _ROWS.c.retry_at > func.now()
    )


class SqlSetbackRepository:
    """See :class:`app.services.ports.SetbackRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, chore: Chore, item: UUID | None, *, fault: str) -> None:
        first = insert(_ROWS).values(
            chore=chore,
            item=item or _ALL,
            fault=fault,
            failures=1,
            retry_at=func.now() + _seconds(literal(_FIRST_WAIT_S)),
        )
        failures = _ROWS.c.failures + 1
        wait = func.least(
            _LONGEST_WAIT_S, _FIRST_WAIT_S * func.power(2, func.least(_ROWS.c.failures, 20))
        )
        self._session.execute(
            first.on_conflict_do_update(
                index_elements=["chore", "item"],
                set_={
                    "fault": fault,
                    "failures": failures,
                    "retry_at": func.now() + _seconds(wait),
                },
            )
        )

    def clear(self, chore: Chore, items: Sequence[UUID | None]) -> bool:
        gone = self._session.execute(
            delete(_ROWS).where(
                _ROWS.c.chore == chore, _ROWS.c.item.in_([item or _ALL for item in items])
            )
        )
        return isinstance(gone, CursorResult) and gone.rowcount > 0

    def forget_old(self) -> None:
        stale = _ROWS.c.retry_at < func.now() - literal(_STALE).cast(Interval())
        pending = exists().where(
            DeliveryRow.id == _ROWS.c.item, DeliveryRow.state == DeliveryState.PENDING
        )
        sent = and_(_ROWS.c.chore == Chore.DELIVERIES, ~pending)
        self._session.execute(delete(_ROWS).where(or_(stale, sent)))

    def counts(self) -> dict[str, int]:
        return {row.chore: row.things for row in self._session.execute(_COUNTS)}


def _seconds(number: Any) -> Any:  # noqa: ANN401 - SQL
    return func.make_interval(0, 0, 0, 0, 0, 0, number)
