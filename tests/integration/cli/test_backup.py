"""Backups through the command line, into another database."""

from __future__ import annotations

import json
import os
import secrets
import stat
from functools import partial
from uuid import uuid4

import pytest
from factories import analysed_face, caller, image_analysis
from sqlalchemy import create_engine, text

from app.domain.audit import AuditChain
from app.domain.job import JobType
from app.services.access.audit_trail import check_trail, list_records, seal_records
from app.storage.database.engine import build_engine
from app.storage.database.table_streams import one_transaction, tables_of
from app.storage.unit_of_work import SqlUnitOfWork
from tests.integration.services.conftest import (  # noqa: F401 - fixtures
    claimed,
    clock,
    desk,
    enrol,
    finish,
    model,
    people,
    queue,
    rules,
    submitted,
)


@pytest.fixture
def run(commands, monkeypatch):
    monkeypatch.setenv("VULTUS_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("VULTUS_SECRET_KEY", secrets.token_hex(32))

    def run_command(url, *words):
        monkeypatch.setenv("VULTUS_DATABASE_URL", url)
        return commands.run(*words, check=False)

    return run_command


@pytest.fixture
def empty_url(database_server):
    name = f"restored_{uuid4().hex}"
    engine = create_engine(database_server.url("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        yield database_server.url(name)
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


@pytest.fixture
def enrolled(enrol):  # noqa: F811
    for direction, name in enumerate(("Ann", "Ben", "Cleo")):
        enrol(name, images=[image_analysis(analysed_face(direction))])


def _digests(url):
    """Tell of every table but the audit trail, where a restore adds a record of itself."""
    engine = build_engine(url, pool_size=1)
    with one_transaction(engine, "SET TRANSACTION READ ONLY") as connection:
        found = {table.name: table.digest(connection) for table in tables_of(connection)}
    engine.dispose()
    return {table: digest for table, digest in found.items() if table != "audit_records"}


def _names(url):
    engine = build_engine(url, pool_size=1)
    with engine.connect() as connection:
        names = connection.execute(text("SELECT name FROM subjects ORDER BY name")).scalars().all()
    engine.dispose()
    return names


def test_a_restored_database_is_equal_byte_for_byte(
    run, migrated_url, empty_url, enrolled, tmp_path
):
    file = tmp_path / "backup"
    done = run(migrated_url, "backup", file)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = run(empty_url, "restore", file, "--without-erasures")
    assert done.returncode == 0, done.stderr
    assert _digests(empty_url) == _digests(migrated_url)


def test_a_person_erased_since_stays_erased(
    run, migrated_url, empty_url, enrolled, tmp_path, engine
):
    file, listed = tmp_path / "backup", tmp_path / "erasures"
    assert run(migrated_url, "backup", file).returncode == 0
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM subjects WHERE name = 'Ann'"))
    assert run(migrated_url, "erasures", listed).returncode == 0
    assert "Ann" not in listed.read_text()
    done = run(empty_url, "restore", file, "--erasures", listed)
    assert done.returncode == 0, done.stderr
    assert _names(empty_url) == ["Ben", "Cleo"]


def test_a_running_job_comes_back_queued(run, migrated_url, empty_url, claimed, tmp_path):  # noqa: F811
    claimed(JobType.DETECTION)
    assert run(migrated_url, "backup", tmp_path / "backup").returncode == 0
    done = run(empty_url, "restore", tmp_path / "backup", "--without-erasures")
    assert done.returncode == 0, done.stderr
    engine = build_engine(empty_url, pool_size=1)
    with engine.connect() as connection:
        states = connection.execute(text("SELECT state, claimed_by FROM jobs")).all()
    engine.dispose()
    assert states == [("queued", None)]


def test_what_cannot_be_restored_is_refused(run, migrated_url, empty_url, enrolled, tmp_path):
    file, listed = tmp_path / "backup", tmp_path / "erasures"
    assert run(migrated_url, "erasures", listed).returncode == 0
    assert run(migrated_url, "backup", file).returncode == 0
    assert "exists" in run(migrated_url, "backup", file).stderr
    assert "Give exactly one of" in run(empty_url, "restore", file).stderr
    assert "holds rows" in run(migrated_url, "restore", file, "--without-erasures").stderr
    assert "older than" in run(empty_url, "restore", file, "--erasures", listed).stderr
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file.write_bytes(damaged)
    assert "damaged" in run(empty_url, "restore", file, "--without-erasures").stderr
    assert json.loads(listed.read_text())["erased"] == {}


def test_the_audit_trail_comes_back_sound_and_tells_of_the_restore(
    run, migrated_url, empty_url, uow, enrolled, tmp_path
):
    chain = AuditChain(os.environ["VULTUS_SECRET_KEY"])
    file = tmp_path / "backup"
    head = seal_records(chain, uow=uow)
    assert run(migrated_url, "backup", file).returncode == 0
    assert run(empty_url, "restore", file, "--without-erasures").returncode == 0
    engine = build_engine(empty_url, pool_size=1)
    restored = partial(SqlUnitOfWork, engine)
    [latest, before, *_] = list_records(before=None, limit=9, caller=caller(), uow=restored)
    assert [latest.action, before.action] == ["backup.restore", "backup.write"]
    seal_records(chain, uow=restored)
    check = check_trail([chain], noted=(head.sequence, head.mac), uow=restored)
    assert (check.sound, check.fault) == (head.sequence + 2, None)
    engine.dispose()


def test_a_lifted_hold_keeps_nobody_and_a_withdrawn_consent_stays_withdrawn(
    run, migrated_url, empty_url, enrolled, tmp_path, engine
):
    file, listed = tmp_path / "backup", tmp_path / "erasures"
    with engine.begin() as connection:
        for statement in (_HOLDS, _CONSENTS):
            connection.execute(text(statement))
    assert run(migrated_url, "backup", file).returncode == 0
    with engine.begin() as connection:
        for statement in (
            "DELETE FROM legal_holds WHERE reference = 'Ann'",
            "DELETE FROM subjects WHERE name = 'Ann'",
            "UPDATE consents SET withdrawn_at = now() WHERE purpose = 'Ben'",
        ):
            connection.execute(text(statement))
    assert run(migrated_url, "erasures", listed).returncode == 0
    done = run(empty_url, "restore", file, "--erasures", listed)
    assert done.returncode == 0, done.stderr
    assert _names(empty_url) == ["Ben", "Cleo"]
    restored = build_engine(empty_url, pool_size=1)
    with restored.connect() as connection:
        ended = connection.scalars(
            text("SELECT purpose FROM consents WHERE withdrawn_at IS NOT NULL")
        ).all()
        held = connection.scalars(text("SELECT reference FROM legal_holds")).all()
    restored.dispose()
    assert (ended, held) == (["Ben"], ["Cleo"])


_HOLDS = """
INSERT INTO legal_holds
SELECT gen_random_uuid(), collection_id, id, name, gen_random_uuid(), now() FROM subjects
WHERE name IN ('Ann', 'Cleo')
"""
_CONSENTS = """
INSERT INTO consents (id, subject_id, purpose, text_version, given_at)
SELECT gen_random_uuid(), id, name, '1', now() FROM subjects
"""
