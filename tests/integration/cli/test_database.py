from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import text

from app.domain.access import Credential
from app.domain.identity import new_id


def test_migrating_twice_does_no_harm(run):
    assert "The database has the tables of this version." in run("migrate")


def test_starting_with_another_model_says_what_to_do(run, collection, monkeypatch):
    monkeypatch.setenv("VULTUS_MODEL", "facenet-vggface2-512")
    output = run("migrate")
    assert f"workers.fetch_weights --model {collection.model}" in output


def test_a_new_key_opens_the_service_and_is_not_stored(run, uow):
    secret = run("keys", "create", "--name", "first", "--scope", "admin").strip()
    credential = Credential.parse(secret)
    with uow() as work:
        key = work.keys.find(credential.public_id)
    assert key.accepts(credential.secret, datetime.now(UTC))
    assert credential.secret not in repr(key)
    assert secret not in run("keys", "list")


def test_the_collections_of_each_model_are_named(run, uow, collection):
    other = replace(collection, id=new_id(), name="others", model="facenet-casia-512")
    with uow() as work:
        work.collections.add(other)
        work.commit()
    lines = run("models").splitlines()
    [own] = [number for number, line in enumerate(lines) if line.startswith(collection.model)]
    assert "running" in lines[own]
    assert lines[own + 1] == "  people"
    [second] = [number for number, line in enumerate(lines) if line.startswith(other.model)]
    assert "thresholds not fitted" in lines[second]
    assert lines[second + 1] == "  others"


def test_processes_that_migrate_at_once_take_turns(run, engine):
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    command = [sys.executable, "-m", "app.cli", "migrate"]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(timeout=300) for process in processes] == [0, 0, 0]
    assert "tables of this version" in run("migrate")


def test_a_tenant_has_keys_of_its_own_and_goes_with_all_it_has(run, uow):
    run("tenants", "create", "acme")
    secret = run("keys", "create", "--name", "theirs", "--tenant", "acme").strip()
    public_id = Credential.parse(secret).public_id
    assert "theirs" in run("keys", "list", "--tenant", "acme")
    assert "theirs" not in run("keys", "list")
    assert "acme" in run("tenants", "list")
    run("tenants", "delete", "acme", "--yes")
    assert "acme" not in run("tenants", "list")
    with uow() as work:
        assert work.keys.find(public_id) is None
