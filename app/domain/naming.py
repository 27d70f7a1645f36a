"""What things may be called, and how what is called so is found again.

A *new* name is stored in one form: trimmed, in Unicode's composed form, bounded, and such that it
stays itself as a segment of a URL. What is looked for is looked for as it was sent first, so that
what was stored under an older rule is reached by its own name, and by its id.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import unquote
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SUBJECT_NAME = 200
MAX_COLLECTION_NAME = 100
MAX_LABEL = 100

#: Four bytes a character: far below what an index row of Postgres takes, which is 2,704.
_BYTES_PER_CHARACTER = 4

#: Controls, surrogates, line and paragraph separators. Format characters (Cf) stay: Persian and
#: many Indian names are written with joiners. So do private use (Co), which is used for rare
#: ideographs, and unassigned (Cn), which a later version of Unicode may assign.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
#: Format characters that reorder the text around them, so that two names look alike.
_REORDERING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
#: Stands for what a decoder could not read, so that different names would become one.
_REPLACEMENT = "\ufffd"
_DOT_SEGMENTS = frozenset({".", ".."})


def clean_name(text: str, *, limit: int) -> str:
    """Return the name trimmed and in Unicode's composed form, so that equal names are equal.

    Raises: ValueError: it is empty, longer than ``limit`` characters or holds some that do not
    print.
    """
    if len(text) > 4 * limit:
        raise ValueError(f"Must have at most {limit} characters.")
    if not all(map(_prints, text)):
        raise ValueError("Must hold printable characters only.")
    if _REPLACEMENT in text:
        raise ValueError("Must not hold U+FFFD, which stands for a character that was lost.")
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise ValueError("Must not be empty.")
    if len(name) > limit or len(name.encode()) > _BYTES_PER_CHARACTER * limit:
        raise ValueError(f"Must have at most {limit} characters.")
    return name


def subject_name(text: str) -> str:
    """Return the name that a new subject gets. Raises: ValueError: it cannot be one."""
    name = clean_name(text, limit=MAX_SUBJECT_NAME)
    for read in _readings(name):
        segments = read.replace("\\", "/").split("/")
        if _DOT_SEGMENTS.intersection(segments):
            raise ValueError('Must not hold "." or ".." as a step of a path.')
        if "" in segments:
            raise ValueError("Must not begin or end with a slash, nor hold two in a row.")
    return name


def collection_name(text: str) -> str:
    """Return the name that a new collection gets; it stands in URLs beside ids.

    Raises: ValueError: it cannot be one.
    """
    name = clean_name(text, limit=MAX_COLLECTION_NAME)
    for read in _readings(name):
        if "/" in read or "\\" in read:
            raise ValueError('Must not hold a "/" or "\\".')
        if read in _DOT_SEGMENTS:
            raise ValueError("Must not be a relative path.")
    if as_uuid(name) is not None:
        raise ValueError("Must not look like an id.")
    return name


def label(text: str) -> str:
    """Return the name of what is addressed by its id alone, such as a key.

    Raises: ValueError: it cannot be one.
    """
    return clean_name(text, limit=MAX_LABEL)


def spellings(text: str) -> tuple[str, ...]:
    """Return what a thing that is asked for by name may be stored as: first exactly what was sent.

    There are none for a text that no database can hold.
    """
    if any(letter == "\0" or unicodedata.category(letter) == "Cs" for letter in text):
        return ()
    return tuple(dict.fromkeys((text, unicodedata.normalize("NFC", text).strip())))


def as_uuid(text: str) -> UUID | None:
    """Return the id that the text spells, or ``None``."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _readings(name: str) -> Iterator[str]:
    """Yield a name, and what clients and proxies that escape or unescape at will make of it."""
    while True:
        yield name
        read = unquote(name)
        if read == name:
            return
        name = read


def _prints(letter: str) -> bool:
    return (
        unicodedata.category(letter) not in _REFUSED_CATEGORIES
        and letter not in _REORDERING
        and not _is_noncharacter(ord(letter))
    )


def _is_noncharacter(code: int) -> bool:
    """Tell whether Unicode will never assign the code (chapter 23.7)."""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF  # noqa: PLR2004 - Unicode's own
