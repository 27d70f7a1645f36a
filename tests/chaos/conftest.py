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

_FINDING = "finding"


@pytest.fixture(scope="session")
def tier(request):
    """How large the run is: `small` in every test run, `fast`, or `full`."""
    return request.config.getoption("tier")


@pytest.fixture
def size(tier):
    """Return the count for this run's tier, as in `size(small=20, fast=200, full=2000)`."""
    return lambda **sizes: sizes[tier]


@pytest.fixture
def at_most(tier):
    """Return the bound of a time in seconds, as in `at_most(5)`.

    In the small tier, whose tests run beside others and on any machine, it is ten times as long:
    what hangs is found there, and what is slow in the larger ones.
    """
    return lambda bound_s: 10 * bound_s if tier == "small" else bound_s


@pytest.fixture
def finding(request):
    """Put one row into the table, and fail where the promise broke or the naive switch held it.

    A test that the naive switch passes measures nothing; `naive_failed` says that it broke.
    """

    def record(*, passed, naive_failed, **row):
        row["passed"] = bool(passed)  # numpy's own cannot go to the process that prints the table
        request.node.user_properties.append((_FINDING, row))
        assert row["passed"], row["figure"]
        assert naive_failed, f"the naive switch held the promise too: {row['naive']}"

    return record


@pytest.fixture(scope="module")
def world(database_server, migrated_template):
    """A service of its own with three tenants, whose things have the same names."""
    with new_world(database_server, migrated_template) as world:
        for name in ("acme", "zenith", "umbra"):
            world.settle(name)
        yield world


@pytest.fixture
def empty_world(database_server, migrated_template):
    """A service of its own with no tenant but the first."""
    with new_world(database_server, migrated_template, pool_size=6) as world:
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
    found = Findings()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, row in getattr(report, "user_properties", ()):
                if name == _FINDING and report.when == "call":
                    found.add(Finding(**row))
    if found:
        terminalreporter.section("promises")
        terminalreporter.write_line(found.table())
        found.write(PROJECT / "var" / "chaos" / config.getoption("tier"))
