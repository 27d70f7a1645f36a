"""The labelled photographs: who is in which file, and what is to be compared with what."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

Role: TypeAlias = Literal["enrol", "probe", "stranger"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photographs, of one person or of two."""

    fold: str
    first: str
    second: str
    same_person: bool


@dataclass(frozen=True, slots=True)
class Photograph:
    """One photograph's part in an identification trial."""

    role: Role
    subject: str
    file: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a folder offers; either list may be empty. Files are relative to ``root``."""

    root: Path
    pairs: tuple[Pair, ...]
    photographs: tuple[Photograph, ...]

    def files(self) -> list[str]:
        """Return every file that either list names, once, sorted."""
        of_pairs = {file for pair in self.pairs for file in (pair.first, pair.second)}
        return sorted(of_pairs | {photograph.file for photograph in self.photographs})


def read_dataset(root: Path) -> Dataset:
    """Read ``pairs.csv`` and ``identification.csv`` of a folder.

    Raises: ValueError: neither is there, a column is missing, or a role or label is not known.
    """
    dataset = Dataset(
        root=root,
        pairs=tuple(
            Pair(row["fold"], row["first"], row["second"], _boolean(row["same_person"]))
            for row in _rows(root / "pairs.csv", {"fold", "first", "second", "same_person"})
        ),
        photographs=tuple(
            Photograph(_role(row["role"]), row["subject"], row["file"])
            for row in _rows(root / "identification.csv", {"role", "subject", "file"})
        ),
    )
    if not dataset.files():
        raise ValueError(f"{root} has neither a pairs.csv nor an identification.csv. Add one.")
    return dataset


def _rows(path: Path, columns: set[str]) -> Iterator[dict[str, str]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if missing := columns - set(reader.fieldnames or ()):
            raise ValueError(f"{path} lacks the columns {', '.join(sorted(missing))}.")
        yield from reader


def _boolean(value: str) -> bool:
    if value not in {"0", "1"}:
        raise ValueError(f'The value of same_person must be 0 or 1, not "{value}".')
    return value == "1"


def _role(value: str) -> Role:
    roles: tuple[Role, ...] = get_args(Role)
    for role in roles:
        if value == role:
            return role
    raise ValueError(f'A role must be enrol, probe or stranger, not "{value}".')
