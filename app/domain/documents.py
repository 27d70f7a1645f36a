"""Frozen types as plain data for JSON, and back.

The name of a field is its key. A field whose default is ``None`` or false is left out while it has
that value; every other one is always written. A reader ignores unknown keys and leaves missing ones
unset, and may keep unknown words, so that processes of two versions read each other's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

from app.domain.moment import written

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)

#: Turns plain data into the value of one type.
_Reader = Callable[[Any], Any]


def to_document(value: DataclassInstance) -> dict[str, Any]:
    """Return a frozen type as plain data: numbers, texts, lists and dictionaries."""
    return {name: _plain(member) for name, member in stated(value).items()}


def stated(value: DataclassInstance) -> dict[str, Any]:
    """Return the members of a frozen type that its document has, by their keys."""
    return {
        name: member
        for name, unset in _written(type(value))
        if (member := getattr(value, name)) is not unset
    }


def from_document(kind: type[T], document: Mapping[str, Any], *, keep_unknown: bool = False) -> T:
    """Read a frozen type. Raises: ValueError: a value is missing, or not one of its type.

    With ``keep_unknown``, a word that an enumeration does not have stays the text that it is.
    """
    found: T = _reader(kind, keep_unknown)(document)
    return found


def required_keys(kind: type[DataclassInstance]) -> frozenset[str]:
    """Return the keys of the fields without a default, which every document of the type has."""
    return frozenset(one.name for one in fields(kind) if one.default is MISSING)


class Keys:
    """The keys of a type's documents, by the names of its fields: for queries that look into them.

    >>> from app.domain.job_results import RankedCandidate
    >>> Keys(RankedCandidate).subject_id
    'subject_id'
    """

    def __init__(self, kind: type[DataclassInstance]) -> None:
        self._known = {one.name for one in fields(kind)}

    def __getattr__(self, name: str) -> str:
        """Return the key of a field. Raises: AttributeError: the type has no such field."""
        if name not in self._known:
            raise AttributeError(name)
        return name


@cache
def _written(kind: type[DataclassInstance]) -> tuple[tuple[str, object], ...]:
    """Return the fields with the value of each that is not written."""
    return tuple(
        (one.name, one.default if one.default is None or one.default is False else MISSING)
        for one in fields(kind)
    )


def _plain(value: object) -> object:  # noqa: PLR0911 - one for each kind of value
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case UUID():
            return str(value)
        case datetime():
            return written(value)
        case Mapping():
            return {key: _plain(one) for key, one in value.items()}
        case tuple():
            return [_plain(one) for one in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return to_document(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON.")


@cache
def _reader(  # noqa: PLR0911 - one for each kind of annotation
    kind: Any,  # noqa: ANN401
    keep_unknown: bool,  # noqa: FBT001
) -> _Reader:
    """Return what reads a type, which is looked at once."""
    if isinstance(kind, UnionType):
        [stated] = (one for one in get_args(kind) if one is not NoneType)
        return _reader(stated, keep_unknown)
    if get_origin(kind) is tuple:
        return _tuple_reader(_reader(get_args(kind)[0], keep_unknown))
    if not isinstance(kind, type):
        return _as_it_is
    if is_dataclass(kind):
        return _dataclass_reader(kind, keep_unknown=keep_unknown)
    if issubclass(kind, tuple):
        return lambda values: kind(*values)
    if issubclass(kind, datetime):
        return datetime.fromisoformat
    if keep_unknown and issubclass(kind, Enum):
        return _word_reader(kind)
    return kind if issubclass(kind, UUID | Enum) else _as_it_is


def _as_it_is(value: object) -> object:
    return value


def _word_reader(kind: type[Enum]) -> _Reader:
    known = {one.value: one for one in kind}
    return lambda value: known.get(value, value)


def _tuple_reader(read: _Reader) -> _Reader:
    if read is _as_it_is:
        return tuple
    return lambda values: tuple(map(read, values))


def _dataclass_reader(kind: type[DataclassInstance], *, keep_unknown: bool) -> _Reader:
    hints = get_type_hints(kind)
    readers = {one.name: _reader(hints[one.name], keep_unknown) for one in fields(kind)}
    absent = {
        one.name: None
        for one in fields(kind)
        if one.default is MISSING and NoneType in get_args(hints[one.name])
    }
    needed = required_keys(kind) - set(absent)

    def read(document: Mapping[str, Any]) -> DataclassInstance:
        stated = {
            name: one(value)
            for name, one in readers.items()
            if (value := document.get(name)) is not None
        }
        if missing := needed - set(stated):
            raise ValueError(f"{kind.__name__} lacks {', '.join(sorted(missing))}.")
        return kind(**{**absent, **stated})

    return read
