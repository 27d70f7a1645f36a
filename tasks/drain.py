"""How a process that runs tasks ends when its worker stops."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType


def end_when_told() -> None:
    """Unwind at the signals by which a stopping worker ends its children.

    Celery's children ignore SIGQUIT, and where TERM is mapped
    to it they would run on until they are killed; unwinding, they can hand their jobs back.
    """
    for told in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(told, _end)


def _end(_: int, __: FrameType | None) -> NoReturn:
    raise SystemExit
