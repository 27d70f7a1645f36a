"""How tests are dealt out to processes that run side by side: whole files, and what shares more.

A pytest plugin, which does nothing where one process runs everything. Pytest-xdist deals out on
names alone, and only the processes that run tests know what these use: each writes it to a file.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from functools import cached_property
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

#: Fixtures that take long to start and much of the machine: one process has all tests of each.
_SHARED = ("service", "stack")
_FILE = pytest.StashKey[Path]()
_INPUT = "shared_fixtures"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Tell a process, before it starts, where to write which tests share a fixture."""
    config = node.config
    if _FILE not in config.stash:
        folder = Path(tempfile.mkdtemp(prefix="vultus-tests-"))
        config.add_cleanup(lambda: shutil.rmtree(folder))
        config.stash[_FILE] = folder / "shared.json"
    node.workerinput[_INPUT] = str(config.stash[_FILE])


def pytest_collection_modifyitems(config, items):
    if not hasattr(config, "workerinput"):
        return
    shared = {item.nodeid: name for item in items if (name := _shared_fixture(item))}
    # What takes longest begins first, and the many small files fill what is left.
    items.sort(key=lambda item: item.nodeid not in shared)
    file = Path(config.workerinput[_INPUT])
    own = file.with_suffix(f".{config.workerinput['workerid']}")
    own.write_text(json.dumps(shared))
    own.rename(file)  # every process writes the same


def _shared_fixture(item):
    known = item._fixtureinfo.name2fixturedefs
    shared = (name for name in _SHARED if name in known and known[name][-1].scope != "function")
    return next(shared, None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return _Scheduler(config, log)


class _Scheduler(LoadScopeScheduling):
    """Keeps together what shares a fixture, and each file, whose fixtures are its own."""

    def __init__(self, config, log):
        super().__init__(config, log)
        config.option.loadscopereorder = False

    @cached_property
    def _shared(self):
        return json.loads(self.config.stash[_FILE].read_text())

    def _split_scope(self, nodeid):
        return self._shared.get(nodeid) or nodeid.split("::", 1)[0]
