"""The audit trail through the command line."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from app.domain.audit import AuditChain
from app.services.access.audit_trail import seal_records


@pytest.fixture
def seal(uow, run):
    """Seal as the sweep does."""
    return lambda: seal_records(AuditChain(os.environ["VULTUS_SECRET_KEY"]), uow=uow)


def test_what_the_command_line_does_is_in_the_trail(run, seal, tmp_path):
    run("keys", "create", "--name", "Zoe's laptop", "--scope", "admin")
    run("tenants", "create", "acme")
    run("backup", str(tmp_path / "backup"))
    run("audit", "export", str(tmp_path / "trail"))
    written = [json.loads(line) for line in (tmp_path / "trail").read_text().splitlines()]
    assert [record["action"] for record in written] == [
        "audit.export",
        "backup.write",
        "tenant.create",
        "key.create",
    ]
    assert {record["actor"]["kind"] for record in written} == {"command_line"}
    assert "Zoe" not in (tmp_path / "trail").read_text()
    listed = run("audit", "list").splitlines()
    assert len(listed) == 4
    assert "key.create" in listed[-1]


def test_a_sound_trail_is_said_to_be_sound(run, seal):
    run("tenants", "create", "acme")
    assert "Nothing is sealed yet" in run("audit", "head")
    seal()
    head = run("audit", "head").strip()
    assert head.startswith("1:")
    assert head in run("audit", "verify", "--head", head)


def test_a_trail_that_was_cut_off_ends_with_an_error(run, seal):
    run("tenants", "create", "acme")
    seal()
    later = f"9:{'00' * 32}"
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run("audit", "verify", "--head", later)
    assert "The records from 2 to the noted 9 are missing." in failed.value.stderr


def test_a_new_secret_key_is_taken_over(run, seal, monkeypatch, tmp_path):
    run("tenants", "create", "acme")
    seal()
    former = tmp_path / "former"
    former.write_text(os.environ["VULTUS_SECRET_KEY"] + "\n")
    monkeypatch.setenv("VULTUS_SECRET_KEY", "n" * 32)
    run("audit", "rekey", "--former-key", str(former))
    run("tenants", "create", "zenith")
    seal()
    assert "2 records are unchanged" in run("audit", "verify", "--former-key", str(former))
