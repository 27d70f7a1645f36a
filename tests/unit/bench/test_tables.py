from __future__ import annotations

import pytest

from tests.bench.tables import table


def test_a_table_is_aligned_markdown():
    assert table(("what", "ms"), [("fast", 1.2345), ("slow|er", 1234.5)]).splitlines() == [
        "| what     |   ms |",
        "| -------- | ---: |",
        "| fast     | 1.23 |",
        "| slow\\|er | 1234 |",
    ]


def test_a_table_without_rows_is_a_head():
    assert table(("a", "b"), []) == "| a   | b   |\n| --- | --- |"


def test_a_row_of_another_length_than_the_head_is_refused():
    with pytest.raises(ValueError, match="3 cells"):
        table(("a", "b"), [(1, 2, 3)])
