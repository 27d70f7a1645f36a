"""Tables in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table: numbers to three digits, to the right; all else as text, to the left.

    Raises: ValueError: a row is longer or shorter than the head.
    """
    cells = [[_text(cell) for cell in row] for row in rows]
    for row in cells:
        if len(row) != len(head):
            raise ValueError(f"a row has {len(row)} cells where the head has {len(head)}")
    numeric = [
        bool(rows) and all(isinstance(row[column], int | float) for row in rows)
        for column in range(len(head))
    ]
    widths = [max(3, *(len(row[n]) for row in [head, *cells])) for n in range(len(head))]
    rule = [
        "-" * (width - 1) + (":" if right else "-")
        for width, right in zip(widths, numeric, strict=True)
    ]
    lines = [
        [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        for row in [head, *cells]
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]])


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.3g}" if abs(cell) < 100 else f"{cell:.0f}"
    return str(cell).replace("|", "\\|")
