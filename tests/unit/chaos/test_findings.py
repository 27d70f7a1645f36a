import json

from tests.chaos.findings import Finding, Findings


def _finding(**changes):
    row = {
        "test": "T5",
        "promise": "A late write is refused",
        "n": 50,
        "figure": "50 of 50 refused",
        "passed": True,
        "naive": "50 of 50 overwrote",
    }
    return Finding(**(row | changes))


def test_the_table_stands_in_the_order_of_the_plan_and_marks_what_broke():
    findings = Findings()
    findings.add(_finding(test="T12", passed=False))
    findings.add(_finding())

    lines = findings.table().splitlines()

    assert lines[0] == "| Test | Promise | N | Product | Holds | Naive switch |"
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| T5", "| T12"]
    assert lines[2].split(" | ")[4] == "yes"
    assert lines[3].split(" | ")[4] == "**no**"


def test_the_rows_are_written_for_people_and_for_programs(tmp_path):
    findings = Findings()
    findings.add(_finding())

    findings.write(tmp_path / "new")

    assert (tmp_path / "new" / "table.md").read_text() == findings.table() + "\n"
    assert json.loads((tmp_path / "new" / "findings.json").read_text())[0]["n"] == 50
