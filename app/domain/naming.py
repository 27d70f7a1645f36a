"""What collections, subjects and keys may be called."""

from __future__ import annotations

import unicodedata
from uuid import UUID

MAX_SUBJECT_NAME = 200
MAX_COLLECTION_NAME = 100

#: Controls, surrogates, private use, unassigned, line and paragraph separators. Format characters
#: (Cf) stay: Persian and many Indian names are written with joiners.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Format characters that reorder the text around them, so that two names look alike.
_REORDERING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def clean_name(text: str, *, limit: int) -> str:
    """Return the name trimmed and in Unicode's composed form, so that equal names are equal.

    Raises: ValueError: it is empty, longer than ``limit`` or holds characters that do not print.
    """
    if len(text) > 4 * limit:
        raise ValueError(f"must have at most {limit} characters")
    if any(
        unicodedata.category(letter) in _REFUSED_CATEGORIES or letter in _REORDERING
        for letter in text
    ):
        raise ValueError("must hold printable characters only")
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise ValueError("must not be empty")
    if len(name) > limit:
        raise ValueError(f"must have at most {limit} characters")
    return name


def subject_name(text: str) -> str:
    """Return the name of a subject. Raises: ValueError: it cannot be one."""
    return clean_name(text, limit=MAX_SUBJECT_NAME)


def collection_name(text: str) -> str:
    """Return the name of a collection, which stands in URLs beside ids.

    Raises: ValueError: it cannot be one.
    """
    name = clean_name(text, limit=MAX_COLLECTION_NAME)
    if "/" in name:
        raise ValueError('must not hold a "/"')
    if name in {".", ".."}:
        raise ValueError("must not be a relative path")
    if as_uuid(name) is not None:
        raise ValueError("must not look like an id")
    return name


def as_uuid(text: str) -> UUID | None:
    """Return the id that the text spells, or ``None``."""
    try:
        return UUID(text)
    except ValueError:
        return None
