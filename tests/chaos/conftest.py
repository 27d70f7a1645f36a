"""The size of the run, and the table that it ends with."""

from __future__ import annotations

import pytest
from sqlalchemy import true

from app.storage.database.tenancy import TenantSession
from deploy.local.paths import PROJECT
from tests.chaos.campaign import Campaign
from tests.chaos.findings import Finding, Findings
from tests.chaos.rival import Rival
from tests.chaos.stack import Stack
from tests.chaos.tenant_world import new_world

_FINDINGS = pytest.StashKey[Findings]()


@pytest.fixture(scope="session")
def tier(request):
    """How large the run is: `small` in every test run, `fast`, or `full`."""
    return request.config.getoption("tier")


@pytest.fixture
def size(tier):
    """Return the count for this run's tier, as in `size(small=20, fast=200, full=2000)`."""
    return lambda **sizes: sizes[tier]


@pytest.fixture
def finding(request):
    """Put one row into the table, and fail where the promise broke or the naive switch held it.

    A test that the naive switch passes measures nothing; `naive_failed` says that it broke.
    """
    found = request.config.stash.setdefault(_FINDINGS, Findings())

    def record(*, naive_failed, **row):
        found.add(Finding(**row))
        assert row["passed"], row["figure"]
        assert naive_failed, f"the naive switch held the promise too: {row['naive']}"

    return record


@pytest.fixture(scope="module")
def world(database_server):
    """A service of its own with three tenants, whose things have the same names."""
    with new_world(database_server) as world:
        for name in ("acme", "zenith", "umbra"):
            world.settle(name)
        yield world


@pytest.fixture
def empty_world(database_server):
    """A service of its own with no tenant but the first."""
    with new_world(database_server, pool_size=6) as world:
        yield world


@pytest.fixture
def no_filters(monkeypatch):
    """Switch off our own queries' question for the tenant; return what does it."""

    def switch_off():
        monkeypatch.setattr(TenantSession, "owned", lambda *_: true())
        monkeypatch.setattr(TenantSession, "owns", lambda _, row: row is not None)

    return switch_off


@pytest.fixture(scope="package")
def stack(tmp_path_factory):
    """The service with stub models, so that thousands of jobs fit."""
    with Stack(tmp_path_factory.mktemp("chaos")) as running:
        yield running


@pytest.fixture
def campaign(stack):
    """Jobs of the product, in a collection of their own."""
    return Campaign(stack)


@pytest.fixture
def rival(stack):
    """Jobs of the naive switch, on the same servers."""
    switch = Rival(stack)
    yield switch
    switch.close()


@pytest.fixture
def late_rival(stack):
    """Jobs of the naive switch that acknowledges late."""
    switch = Rival(stack, late=True)
    yield switch
    switch.close()


def pytest_terminal_summary(terminalreporter, config):
    found = config.stash.get(_FINDINGS, None)
    if found:
        terminalreporter.section("promises")
        terminalreporter.write_line(found.table())
        found.write(PROJECT / "var" / "chaos" / config.getoption("tier"))
