"""What the sources of the service do not name."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec

import pytest

from deploy.local.paths import PROJECT

PACKAGES = ("app", "deploy", "tasks", "workers")
SOURCES = sorted(file for package in PACKAGES for file in (PROJECT / package).rglob("*.py"))
#: No pages for developers, who have the tests beside them.
TEXTS = [
    *SOURCES,
    *(
        file
        for folder in (*PACKAGES, "models_weights")
        for kind in ("toml", "md", "sh", "in", "Dockerfile")
        for file in (PROJECT / folder).rglob(f"*.{kind}")
        if "docs" not in file.parts
    ),
]
NAMES_TESTS = re.compile(r"\btests[./]\w|\b(?:import|from) tests\b|[\"']tests[\"']")


@pytest.mark.parametrize(
    "text", ["python -m tests.x", "tests/x", "import tests", "from tests import x"]
)
def test_the_pattern_finds_what_names_the_tests(text):
    assert NAMES_TESTS.search(text)


def test_nothing_that_is_installed_names_the_tests():
    """No image holds them, so what names them fails there, or tells its reader to do in vain."""
    assert len(TEXTS) > 300
    assert [file for file in TEXTS if NAMES_TESTS.search(file.read_text())] == []


def test_every_command_that_is_named_can_be_run():
    """In the Makefile, images, pages and what the service says: `-m` and a module of ours."""
    texts = [
        *TEXTS,
        PROJECT / "Makefile",
        *PROJECT.glob("*.md"),
        *PROJECT.rglob("app/docs/**/*.md"),
    ]
    modules = {
        module: file
        for file in texts
        for module in re.findall(
            rf"-m[\s\"',]+((?:{'|'.join((*PACKAGES, 'tests'))})[.\w]*\w)", file.read_text()
        )
    }
    assert {"app.server", "app.cli", "workers.evaluation.fit", "tests.bench.search"} <= set(modules)
    for module, file in modules.items():
        found = find_spec(module)
        assert found, f"{file} names {module}"
        if found.submodule_search_locations:
            assert find_spec(f"{module}.__main__"), f"{file} names {module}"


def test_only_the_settings_read_the_environment():
    readers = {
        file.relative_to(PROJECT).as_posix()
        for file in SOURCES
        if file.relative_to(PROJECT).parts[0] != "deploy"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    }
    assert readers == {"app/settings.py"}
