"""The names that CompreFace lets a caller give."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import request

from app.compat.compreface.context import current_service
from app.compat.compreface.errors import CompreFaceError, constraint, undefined
from app.compat.compreface.usecases.examples import stored_name
from app.domain.naming import label, subject_name
from app.web.context import current_container

if TYPE_CHECKING:
    from app.compat.compreface.parameters import Parameters

SUBJECT = "Subject"
_MOST_LETTERS = 50
_REFUSED = re.compile(r"[;/\\]")


def checked_name(name: object, of: str) -> str:
    """Return the new name of what ``of`` says. Raises: CompreFaceError: missing or refused."""
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
    try:
        return subject_name(name) if of == SUBJECT else label(name)
    except ValueError as error:
        raise constraint(f"{of} name cannot be used. {error}") from None


def name_to_enrol(stated: str) -> str:
    """Return the name that a subject has, or will have when it is made for its first example.

    Raises: CompreFaceError: there is no such subject, and none can be called so.
    """
    try:
        new = subject_name(stated)
    except ValueError as error:
        known = stored_name(current_service(), stated, uow=current_container().uow)
        if known is None:
            raise constraint(f"{SUBJECT} name cannot be used. {error}") from None
        return known
    if new == stated:
        return new
    return stored_name(current_service(), stated, uow=current_container().uow) or new


def named_or_all(parameters: Parameters) -> str | None:
    """Return whose examples are to be removed; ``None`` means everybody's.

    Raises: CompreFaceError: a name was meant, and is empty.
    """
    if parameters.text("subject") is not None:
        return parameters.subject()
    refuse_nameless()
    return None


def refuse_nameless() -> None:
    """Refuse to remove everything at an address that ends with a slash.

    Clients make it of ``subjects/.`` and of an empty name behind ``subjects/``, and mean one
    subject. Raises: CompreFaceError.
    """
    if request.path.endswith("/"):
        raise constraint("Name cannot be empty; ")
