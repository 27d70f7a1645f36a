from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner

from deploy import audit
from deploy.audit import SilentServiceError, _tell, ask, require_voice

HOLE = {"id": "CVE-1", "fix_versions": ["2.0"]}


def _tool(tmp_path, says):
    """Make something that is called like the audit's Python and writes that report."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    report = json.dumps({"dependencies": says}) if says is not None else None
    python.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"report = {report!r}\n"
        "if report is None:\n    sys.exit('nobody is there')\n"
        "open(sys.argv[sys.argv.index('--output') + 1], 'w').write(report)\n"
    )
    python.chmod(0o755)
    return python


def test_holes_are_told_and_make_the_audit_fail(capsys):
    answer = [{"name": "a", "version": "1.0", "vulns": [HOLE]}]
    assert _tell("pypi", answer) == 1
    assert "a 1.0: CVE-1, fixed in 2.0" in capsys.readouterr().out


def test_what_could_not_be_audited_is_named(capsys):
    assert _tell("pypi", [{"name": "torch", "skip_reason": "not on PyPI"}]) == 0
    assert "torch: not audited: not on PyPI" in capsys.readouterr().out


def test_a_service_that_is_away_is_no_clean_audit(tmp_path):
    with pytest.raises(SilentServiceError, match="nobody is there"):
        ask(_tool(tmp_path, None), "pypi", [])


@pytest.mark.parametrize("says", [[], [{"name": "pillow", "skip_reason": "unknown"}]])
def test_a_mirror_without_advisories_is_no_clean_audit(tmp_path, says):
    with pytest.raises(SilentServiceError, match="knows no vulnerability"):
        require_voice(_tool(tmp_path, says), "pypi")


def test_a_service_that_knows_holes_is_asked_on(tmp_path):
    require_voice(_tool(tmp_path, [{"name": "pillow", "vulns": [HOLE]}]), "pypi")


@pytest.mark.parametrize(
    ("says", "status", "told"),
    [
        (
            [{"name": "a", "version": "1.0", "vulns": [HOLE]}],
            1,
            "pypi: 1 packages, 1 known vulnerabilities.",
        ),
        (None, 2, "No advisory service can be reached, so nothing was audited."),
        ([], 2, "osv cannot be asked. It knows no vulnerability of pillow"),
    ],
)
def test_the_status_tells_holes_from_an_audit_that_could_not_be_done(
    tmp_path, monkeypatch, says, status, told
):
    tool = _tool(tmp_path, says)
    monkeypatch.setattr(audit, "make_environment", lambda _: tool)
    done = CliRunner().invoke(audit.main, [])
    assert done.exit_code == status
    assert told in done.output
