"""Keep one thing that fails from stopping all others: set it aside, count it, and go on.

A thing that was set aside is tried again after a while that doubles. Health and ``/metrics`` name
the chores that have such things; the log names each by its id.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.domain.errors import DatabaseBusyError, ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from app.domain.setback import Chore
    from app.services.ports import UnitOfWorkFactory

_LOG = logging.getLogger(__name__)


def each(
    chore: Chore,
    items: Sequence[UUID],
    act: Callable[[Sequence[UUID]], None],
    *,
    uow: UnitOfWorkFactory,
) -> None:
    """Act on all things at once, which is cheap; if that fails, on each of them by itself.

    Raises: ServiceUnavailableError: an outage, which is no thing's fault.
    """
    if not items:
        return
    if len(items) > 1:
        try:
            act(items)
        except Exception as error:
            if is_outage(error):
                raise
            _LOG.warning("%s: done one by one: %s", chore, type(error).__name__)
        else:
            _clear(chore, items, uow=uow)
            return
    for item in items:
        with apart(chore, item, uow=uow):
            act([item])


@contextmanager
def apart(chore: Chore, item: UUID | None = None, *, uow: UnitOfWorkFactory) -> Iterator[None]:
    """Run a block as :func:`setting_aside` does, and forget former setbacks if it succeeds."""
    failed = True
    with setting_aside(chore, item, uow=uow):
        yield
        failed = False
    if not failed:
        _clear(chore, [item], uow=uow)


@contextmanager
def setting_aside(
    chore: Chore, item: UUID | None = None, *, uow: UnitOfWorkFactory
) -> Iterator[None]:
    """Run a block for one thing, or for a chore as a whole, and set it aside if that fails.

    Raises: ServiceUnavailableError: an outage, which is no thing's fault.
    """
    try:
        yield
    except Exception as error:
        if is_outage(error):
            raise
        _LOG.exception(
            "set aside", extra={"action": "set_aside", "chore": chore, "item": str(item or "all")}
        )
        with uow() as work:
            work.setbacks.add(chore, item, fault=type(error).__name__)
            work.commit()


def is_outage(error: BaseException) -> bool:
    """Tell whether an error is the absence of a server: nothing can be done about anything then."""
    return isinstance(error, ServiceUnavailableError) and not isinstance(error, DatabaseBusyError)


def _clear(chore: Chore, items: Sequence[UUID | None], *, uow: UnitOfWorkFactory) -> None:
    with uow() as work:
        if work.setbacks.clear(chore, items):
            work.commit()
