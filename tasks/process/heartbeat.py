"""Keep the leases of claimed jobs while they are worked on."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from types import TracebackType

    from app.domain.job import Job
    from app.services.ports import UnitOfWorkFactory

_LOG = logging.getLogger(__name__)

#: After a beat that failed the next one comes sooner, so that a lease is kept as soon as it can be.
_AGAIN_S = 1.0


class Heartbeat:
    """A thread that prolongs leases at a third of their length until the block is left.

    It does not have to succeed: a worker that cannot reach the database loses its claims, and the
    fence keeps its results out.
    """

    def __init__(self, claims: Sequence[Job], *, lease: timedelta, uow: UnitOfWorkFactory) -> None:
        self._claims = claims
        self._lease = lease
        self._uow = uow
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        third_s = self._lease.total_seconds() / 3
        wait_s = third_s
        while not self._done.wait(wait_s):
            wait_s = third_s
            try:
                with self._uow() as work:
                    work.jobs.extend(self._claims, self._lease)
                    work.commit()
            except Exception as error:  # noqa: BLE001 - a thread that ends would lose every claim
                _LOG.warning("heartbeat missed: %s", type(error).__name__)
                wait_s = min(_AGAIN_S, third_s)
