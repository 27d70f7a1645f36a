"""What the importer makes of names that another system has let through."""

from __future__ import annotations

import unicodedata
from uuid import uuid4

import pytest

from app.compat.compreface.migration import migrate
from app.compat.compreface.source import SourceService
from app.compat.compreface.usecases.applications import find_service
from app.compat.compreface.usecases.examples import subject_names
from app.domain.compreface import ServiceType


class FakeSource:
    """A database of CompreFace's with one service and people without examples."""

    def __init__(self, names, *, service="door"):
        self.key, self.names, self.service = uuid4(), names, service

    def services(self):
        return [
            SourceService(
                application="app", name=self.service, type=ServiceType.RECOGNITION, key=self.key
            )
        ]

    def subjects(self, key):
        return self.names

    def examples(self, key):
        return []

    def photographs(self, examples):
        return iter(())


def carried(source, container):
    report = migrate(source, container, progress=lambda _: None)
    service = find_service(source.key, ServiceType.RECOGNITION, uow=container.uow)
    return subject_names(service, uow=container.uow), report


def test_two_people_whose_names_would_become_one_stay_two(container):
    composed, decomposed = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
    source = FakeSource([" Ann", "Ann", decomposed, composed, "Bob ", "ann"])
    for _ in range(2):  # a run that is repeated changes nothing
        names, report = carried(source, container)
        assert sorted(names) == sorted(["Ann", "ann", "Bob", composed])
        left = dict(report.left_behind)
        assert left.keys() == {"Subject ' Ann'", f"Subject {decomposed!r}"}
        assert all("would become that of" in reason for reason in left.values())


@pytest.mark.parametrize("name", [".", "..", "../x", "a/", "a\nb", "x" * 255, "\ufffd", " "])
def test_a_name_that_cannot_be_one_is_left_behind_with_a_reason(container, name):
    names, report = carried(FakeSource([name, "Ann"]), container)
    assert names == ["Ann"]
    [(what, reason)] = report.left_behind
    assert what == f"Subject {name!r}"
    assert reason.startswith("Its name cannot be used: Must")


def test_a_service_that_cannot_keep_its_name_is_left_behind(container):
    source = FakeSource(["Ann"], service="x" * 255)
    report = migrate(source, container, progress=lambda _: None)
    [(what, reason)] = report.left_behind
    assert (what, report.services) == (f"Service {'x' * 255!r}", 0)
    assert "at most 100 characters" in reason
