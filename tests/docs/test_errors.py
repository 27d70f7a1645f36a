from __future__ import annotations

import re

import pytest
from pages import PROJECT, page

from app.domain import errors
from app.domain.errors import VultusError

_SLUG = re.compile(r'^    slug(?:: ClassVar\[str\])? = "([a-z-]+)"', re.MULTILINE)


def _slugs_in_the_source():
    files = (
        path for folder in ("app", "workers", "tasks") for path in PROJECT.glob(f"{folder}/**/*.py")
    )
    return {slug for path in files for slug in _SLUG.findall(path.read_text())}


TREE = {
    error.slug: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, VultusError)
}


def test_every_error_has_a_heading_and_every_heading_an_error():
    described = {
        heading
        for heading in page("errors").headings()
        if re.fullmatch(r"[a-z]+(-[a-z]+)*", heading)
    }
    assert described == _slugs_in_the_source()
    assert set(TREE) <= described


@pytest.mark.parametrize("slug", TREE)
def test_the_status_that_is_described_is_the_one_that_is_answered(slug):
    assert page("errors").section(slug).startswith(str(TREE[slug].status))
