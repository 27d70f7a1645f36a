"""The sample photographs: a folder per person under `train` and `val`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class SamplesMissingError(RuntimeError):
    """There are no sample photographs: `make weights` extracts them."""


@dataclass(frozen=True)
class Probe:
    """A photograph to recognise, and who is on it."""

    file: Path
    expected: str


def photographs(folder: Path) -> dict[str, list[Path]]:
    """Return each person's photographs by name.

    Raises: SamplesMissingError: the folder holds none.
    """
    people = {p.name: sorted(p.glob("*.jpg")) for p in sorted(folder.glob("*")) if p.is_dir()}
    if not people:
        raise SamplesMissingError(f"There are no photographs in {folder}. Run `make weights`.")
    return {name.replace("_", " ").title(): files for name, files in people.items()}


def probes(folder: Path) -> list[Probe]:
    """Return the photographs to recognise. Raises: SamplesMissingError."""
    people = photographs(folder)
    return [Probe(file, name) for name, files in people.items() for file in files]
