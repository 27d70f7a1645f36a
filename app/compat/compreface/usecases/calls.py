"""Count the calls of services by day.

The counts have rows of their own: jobs are deleted after days, and with the people they tell of.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from app.services.ports import Clock, UnitOfWorkFactory

#: For how long back calls are told: six months.
_TOLD = timedelta(days=183)


def count_call(service_id: UUID, *, uow: UnitOfWorkFactory, clock: Clock) -> None:
    """Count one more call of today (UTC)."""
    with uow() as work:
        work.services.count_call(service_id, clock.now().date())
        work.commit()


def calls_by_day(
    service_id: UUID, *, uow: UnitOfWorkFactory, clock: Clock
) -> list[tuple[date, int]]:
    """Return the days with calls and how many each had, newest first."""
    with uow() as work:
        return work.services.calls(service_id, since=(clock.now() - _TOLD).date())
