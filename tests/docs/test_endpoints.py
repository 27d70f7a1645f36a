"""The API page says of the API what the API says of itself."""

from __future__ import annotations

import re

from description import DESCRIPTION, OPERATIONS
from pages import page

from app.api.schemas import submissions
from app.api.schemas.jobs import WaitQuery
from app.domain.access import Scope
from app.domain.delivery import EventType
from app.domain.job import JobState, JobType
from app.domain.selection import FacePolicy

_CALL = re.compile(r"`([A-Z]+) (/\S+)`")


def _described():
    """Give what stands in the tables: (method, path) and the second cell."""
    rows = [(_CALL.fullmatch(row[0]), row[1]) for row in page("api").rows()]
    return {(found[1], found[2]): second for found, second in rows if found}


_OF_THE_API = {
    (method.upper(), path): operation
    for method, path, operation in OPERATIONS.values()
    if path.startswith("/v1/")
}


def test_every_endpoint_is_described_and_every_one_described_exists():
    described = {call for call in _described() if call[1].startswith("/v1/")}
    assert described == set(_OF_THE_API)


def test_the_scopes_are_those_that_the_calls_need():
    described = _described()
    for call, operation in _OF_THE_API.items():
        assert f"Needs a key of scope {described[call]}." in operation["description"], call


def test_every_operation_has_a_sentence_and_a_name_of_its_own():
    described = [
        operation
        for operations in DESCRIPTION["paths"].values()
        for operation in operations.values()
    ]
    assert all(operation["summary"] for operation in described)
    ids = [operation["operationId"] for operation in described]
    assert sorted(set(ids)) == sorted(ids)
    assert not [name for name in ids if name.startswith(("post_", "patch_", "put_"))]


def test_what_is_described_beside_the_api_answers(service):
    beside = [path for _, path in _described() if not path.startswith("/v1/")]
    assert beside
    with service.client() as http:
        for path in beside:
            assert http.get(path.replace("{slug}", "not-found")).status_code == 200, path


def test_every_parameter_of_a_submit_is_described():
    schemas = [WaitQuery, *(getattr(submissions, name) for name in dir(submissions))]
    fields = {
        field
        for schema in schemas
        if isinstance(schema, type) and issubclass(schema, submissions.Schema)
        for field in schema.model_fields
    }
    described = {row[0].strip("`") for row in page("api").rows() if len(row) == 4}
    assert fields <= described


def test_every_word_that_the_api_uses_is_described():
    code = " ".join(page("api").code())
    for words in (Scope, JobState, JobType, FacePolicy, EventType):
        assert [word for word in words if not re.search(rf"(?<!\w){word}(?!\w)", code)] == []
