"""Choose the moment of a scrub."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from app.services.ports import Clock, Scrub, UnitOfWorkFactory

#: Parts of the window after which a scrub waits for an idle moment, and after which it runs in any
#: case. The rest is for scrubs that are blocked.
_WHEN_IDLE = 1 / 24
_AT_LATEST = 3 / 4


def scrub_if_due(scrub: Scrub, *, window: timedelta, uow: UnitOfWorkFactory, clock: Clock) -> int:
    """Scrub where something was erased long enough ago; return for how many erasures.

    Tables are locked while they are rewritten, so it should run rarely, and in a quiet moment.
    Raises: as :meth:`Scrub.run`.
    """
    oldest = scrub.oldest()
    if oldest is None:
        return 0
    waited = clock.now() - oldest
    if waited >= window * _AT_LATEST or (waited >= window * _WHEN_IDLE and _is_idle(uow)):
        return scrub.run()
    return 0


def _is_idle(uow: UnitOfWorkFactory) -> bool:
    with uow() as work:
        return all(state.is_terminal for _, state in work.jobs.counts())
