"""Waiting for something to become true, with a deadline and signs of life."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_S = 0.1
_SIGN_OF_LIFE_S = 5.0


class NotReadyError(RuntimeError):
    """What was waited for did not happen in time; the logs in the state folder say why."""


def wait_until(
    holds: Callable[[], bool],
    patience_s: float,
    what: str,
    *,
    tell: Callable[[float], None] | None = None,
) -> None:
    """Return when `holds` does; meanwhile call `tell` with the seconds waited, now and then.

    Raises: NotReadyError: `patience_s` has passed.
    """
    begin = told = time.monotonic()
    while not holds():
        now = time.monotonic()
        if now - begin > patience_s:
            raise NotReadyError(f"Gave up after {patience_s:.0f} s of waiting for {what}.")
        if tell and now - told > _SIGN_OF_LIFE_S:
            told = now
            tell(now - begin)
        time.sleep(_POLL_S)
