"""The collections that requests name, remembered for a moment."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from app.services.access.visibility import require_visible_collection
from app.services.people.collections import get_collection

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from app.domain.caller import Caller
    from app.domain.collection import Collection
    from app.services.ports import UnitOfWorkFactory

#: How long a collection is believed to be there without asking again.
_TTL_S = 0.5
_MAX_COLLECTIONS = 1000


class CollectionMemory:
    """Finds collections for jobs, as they were at most half a second ago; safe between threads.

    Nothing is lost where one was deleted meanwhile: no job can be stored for it.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[tuple[UUID, str], tuple[float, Collection]] = {}

    def find(self, reference: str, *, caller: Caller, uow: UnitOfWorkFactory) -> Collection:
        """Return the collection of that id or name. Raises: NotFoundError."""
        now, place = self._monotonic(), (caller.tenant_id, reference)
        with self._lock:
            known = self._known.get(place)
        if known is not None and now - known[0] < _TTL_S:
            require_visible_collection(known[1].id, caller)
            return known[1]
        collection = get_collection(reference, caller=caller, uow=uow)
        with self._lock:
            if len(self._known) >= _MAX_COLLECTIONS:
                self._known.clear()
            self._known[place] = now, collection
        return collection

    def forget(self) -> None:
        """Ask again for every collection: this process has changed or deleted one."""
        with self._lock:
            self._known.clear()
