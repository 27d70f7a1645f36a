"""Each image installs what the programs in it import."""

from __future__ import annotations

import re
import sys
from importlib.metadata import packages_distributions

import grimp
import pytest

from deploy.local.paths import PROJECT

OURS = {"app", "tasks", "workers"}


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph(
        *OURS, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )


def imported(graph, start):
    """Return the packages that modules of ours import from elsewhere, with those who do."""
    found, waiting = {}, [module for module in graph.modules if module.startswith(start)]
    seen = set(waiting)
    while waiting:
        module = waiting.pop()
        for other in graph.find_modules_directly_imported_by(module):
            package = other.partition(".")[0]
            if package not in OURS | set(sys.stdlib_module_names):
                found.setdefault(package, set()).add(module)
            elif package in OURS and other not in seen:
                seen.add(other)
                waiting.append(other)
    return found


def installed_by(image):
    """Return the names of the packages that can be imported where a lock is installed."""
    lock = (PROJECT / "deploy" / "requirements" / f"{image}.txt").read_text()
    held = {*re.findall(r"^([a-z0-9][\w.-]*)==", lock, re.MULTILINE)}
    if image == "worker":
        held |= {"torch"}  # its Dockerfile installs the build that was chosen
    return {
        package
        for package, distributions in packages_distributions().items()
        if held & {re.sub(r"[-_.]+", "-", name).lower() for name in distributions}
    }


def test_the_web_image_installs_what_the_server_and_the_command_line_import(graph):
    needed = imported(graph, ("app.server", "app.cli"))
    assert {"flask", "alembic"} <= needed.keys()
    assert needed.keys() <= installed_by("web")


def test_the_worker_image_installs_all_but_what_draws_plots(graph):
    needed = imported(graph, ("tasks", "workers"))
    assert {"celery", "sklearn", "click"} <= needed.keys()
    assert needed.pop("matplotlib") == {"workers.evaluation.plots"}
    assert needed.keys() <= installed_by("worker")
