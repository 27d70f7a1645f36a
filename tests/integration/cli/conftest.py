from __future__ import annotations

import secrets
import subprocess
import sys

import pytest


@pytest.fixture
def run(migrated_url, monkeypatch):
    monkeypatch.setenv("VULTUS_DATABASE_URL", migrated_url)
    monkeypatch.setenv("VULTUS_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("VULTUS_SECRET_KEY", secrets.token_hex(32))

    def run_command(*words):
        command = [sys.executable, "-m", "app.cli", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run_command
