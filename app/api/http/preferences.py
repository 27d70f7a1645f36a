"""What a caller asks for in headers: waiting (RFC 7240) and idempotency."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import request

from app.domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from app.api.schemas.jobs import WaitQuery

#: A Structured-Fields string (RFC 8941, 3.3.3), or a bare token, as many clients send it.
_QUOTED_KEY = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"')
_BARE_KEY = re.compile(r"[A-Za-z0-9._~:/+=-]{1,255}")
_WAIT = re.compile(r'wait\s*=\s*"?(\d{1,9})"?')


@dataclass(frozen=True, slots=True)
class Preferences:
    """How the answer to a submit should come."""

    #: Seconds to wait for the end of the job; 0 answers at once.
    wait_s: float
    #: The honoured preferences as the answer names them.
    applied: tuple[str, ...]

    @classmethod
    def of_request(cls, query: WaitQuery, *, max_wait_s: int) -> Preferences:
        """Read ``Prefer`` and ``?wait=``; preferences that are not understood are ignored."""
        stated = [
            part.strip().lower()
            for header in request.headers.getlist("Prefer")
            for part in re.split(r"[,;]", header)
        ]
        wait = next((found for part in stated if (found := _WAIT.fullmatch(part))), None)
        applied = []
        wait_s = 0.0
        if query.wait is not None:
            wait_s = min(query.wait, max_wait_s)
        elif wait is not None:
            whole = min(int(wait[1]), max_wait_s)
            wait_s = whole
            applied.append(f"wait={whole}")
        if "respond-async" in stated:
            applied.append("respond-async")
        return cls(wait_s, tuple(applied))


def idempotency_key() -> str | None:
    """Return the Idempotency-Key, quoted or not, or ``None`` where there is none.

    Raises: InvalidRequestError: it is neither a string nor a token of 1 to 255 characters.
    """
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    if quoted := _QUOTED_KEY.fullmatch(text.strip()):
        return quoted[1]
    if _BARE_KEY.fullmatch(text.strip()):
        return text.strip()
    raise InvalidRequestError(
        "The Idempotency-Key must be a string of 1 to 255 visible characters, such as "
        '"8e03978e-40d5".'
    )
