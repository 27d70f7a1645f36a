from __future__ import annotations

import secrets

import pytest


@pytest.fixture
def run(commands, migrated_url, monkeypatch):
    monkeypatch.setenv("VULTUS_DATABASE_URL", migrated_url)
    monkeypatch.setenv("VULTUS_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("VULTUS_SECRET_KEY", secrets.token_hex(32))

    return lambda *words: commands.run(*words).stdout
