"""What the pages point at is there."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest
from description import OPERATIONS
from pages import DOCS, PAGES, PROJECT, README, Page

every_page = pytest.mark.parametrize("page", PAGES, ids=str)
_FOLDERS = r"(?:app|workers|tasks|deploy|tests|models_weights)"


@every_page
def test_every_link_leads_somewhere(page):
    for link in page.links():
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.is_file(), link
        assert target.is_relative_to(PROJECT), link
        assert not anchor or anchor in Page(target).anchors(), link


@every_page
def test_every_file_and_folder_that_is_named_exists(page):
    for code in page.code():
        if re.fullmatch(rf"{_FOLDERS}/[\w./-]*", code) and "files/" not in code:
            assert (PROJECT / code).exists(), code


@every_page
def test_every_module_that_is_run_exists(page):
    for name in re.findall(r"python -m ([a-z][\w.]*)", page.text):
        assert find_spec(name), name


@every_page
def test_every_target_of_make_exists(page):
    targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    typed = [line for block in page.commands() for line in block]
    for code in [*page.code(), *typed]:
        for target in re.findall(r"\bmake ([a-z-]+)", code):
            assert target in targets, code


@every_page
def test_every_endpoint_that_is_named_exists(page):
    known = {
        (method.upper(), re.sub(r"{\w+}", "{}", path)) for method, path, _ in OPERATIONS.values()
    }
    for code in page.code():
        if found := re.fullmatch(r"([A-Z]+) (/v1/\S*?)(\?\S*)?", code):
            assert (found[1], re.sub(r"{\w+}", "{}", found[2])) in known, code


def test_the_readme_leads_to_every_page():
    linked = {(PROJECT / link.partition("#")[0]).resolve() for link in README.links()}
    assert set(DOCS.glob("*.md")) <= linked
