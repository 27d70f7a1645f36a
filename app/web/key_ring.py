"""The keys that requests show, remembered for a moment."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain.access import ApiKey
    from app.services.ports import UnitOfWorkFactory

#: How long a key is believed without asking again: the longest time that a revoked key lives on.
_TTL_S = 0.5
_MAX_KEYS = 1000


class KeyRing:
    """Finds keys, and remembers them for half a second; safe to share between threads."""

    def __init__(
        self, uow: UnitOfWorkFactory, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._uow = uow
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, ApiKey]] = {}

    def find(self, public_id: str) -> ApiKey | None:
        """Return the key with that public part as it was at most half a second ago."""
        now = self._monotonic()
        with self._lock:
            read_at, key = self._known.get(public_id, (0.0, None))
        if key is not None and now - read_at < _TTL_S:
            return key
        return self.look_up(public_id)

    def look_up(self, public_id: str) -> ApiKey | None:
        """Return the key as it is now."""
        now = self._monotonic()
        with self._uow() as work:
            key = work.keys.find(public_id)
        with self._lock:
            if len(self._known) >= _MAX_KEYS:
                self._known.clear()
            if key is None:
                self._known.pop(public_id, None)
            else:
                self._known[public_id] = (now, key)
        return key
