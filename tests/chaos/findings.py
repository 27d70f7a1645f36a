"""What the tests of promises found, as one table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

_HEADINGS = {
    "test": "Test",
    "promise": "Promise",
    "n": "N",
    "figure": "Product",
    "passed": "Holds",
    "naive": "Naive switch",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row: a promise, how often it was tried, and what came of it."""

    #: The identifier in the plan of tests, for example ``T5``.
    test: str
    #: What users are told, in one sentence.
    promise: str
    #: How many times the promise was tried.
    n: int
    #: What the product did, with its figures.
    figure: str
    passed: bool
    #: What the naive switch did under the same test.
    naive: str


class Findings:
    """The findings of one run, in the order of the plan."""

    def __init__(self) -> None:
        self._rows: list[Finding] = []

    def add(self, finding: Finding) -> None:
        """Keep a row."""
        self._rows.append(finding)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def _ordered(self) -> list[Finding]:
        return sorted(self._rows, key=lambda row: (int(row.test.strip("T")), row.promise))

    def table(self) -> str:
        """Return the rows as a Markdown table."""
        names = [field.name for field in fields(Finding)]
        lines = [[_HEADINGS[name] for name in names], ["---"] * len(names)]
        for row in self._ordered():
            cells = asdict(row) | {"passed": "yes" if row.passed else "**no**"}
            lines.append([str(cells[name]) for name in names])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def write(self, folder: Path) -> None:
        """Write ``table.md`` and ``findings.json`` into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "table.md").write_text(self.table() + "\n")
        rows = [asdict(row) for row in self._ordered()]
        (folder / "findings.json").write_text(json.dumps(rows, indent=2) + "\n")
