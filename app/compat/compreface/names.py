"""The names that CompreFace lets a caller give."""

from __future__ import annotations

import re

from app.compat.compreface.errors import CompreFaceError, constraint, undefined
from app.compat.compreface.parameters import storable

_MOST_LETTERS = 50
_REFUSED = re.compile(r"[;/\\]")


def checked_name(name: object, of: str) -> str:
    """Return the name of what ``of`` says. Raises: CompreFaceError: missing, long or refused."""
    if name is None or (isinstance(name, str) and not name.strip()):
        raise constraint(f"{of} name cannot be empty")
    if not isinstance(name, str):
        raise undefined()
    if len(name) > _MOST_LETTERS:
        raise constraint(f"{of} name size must be between 1 and {_MOST_LETTERS}")
    if _REFUSED.search(name):
        raise CompreFaceError(
            36, "The name cannot contain the following special characters: ';', '/', '\\'"
        )
    return storable(name)
