"""How connections to the broker are made again."""

from __future__ import annotations

from typing import Any

from kombu.connection import Connection

_TRY_EVERY_S = 1.0


class PersistentConnection(Connection):
    """Tries again every second, where kombu's own pauses grow to half a minute.

    Workers and beat take up their work seconds after the broker's return, however long it was away.
    """

    def ensure_connection(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        """See :meth:`kombu.Connection.ensure_connection`."""
        pauses = {
            "interval_start": _TRY_EVERY_S,
            "interval_step": 0,
            "interval_max": _TRY_EVERY_S,
        }
        return super().ensure_connection(*arguments, **(pauses | options))  # type: ignore[no-untyped-call]
