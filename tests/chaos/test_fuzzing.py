"""T16: whatever is sent, the answer is one that the description names, and never a 500."""

from __future__ import annotations

import json
import re
from itertools import product

from description import OPERATIONS
from flask import Flask, request

from app.api.http.problems import MEDIA_TYPE
from app.domain.compreface import ServiceType
from tests.chaos.tenant_matrix import PLACES, ROWS

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")

#: What parsers and databases stumble over, as the value of any member and as whole documents.
_VALUES = (
    "null",
    "true",
    "[]",
    "{}",
    '""',
    r'"a\u0000b"',
    r'"\ud800"',
    '"\u202etxt"',
    f'"{"x" * 5000}"',
    "-1",
    str(2**70),
    "1e400",
    "NaN",
    "-Infinity",
    '"2026-13-45T99:99:99Z"',
    '"00000000-0000-0000-0000-00000000000g"',
)
_DOCUMENTS = (
    b"",
    b"\x00",
    b"\xff\xfe\x00{",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"name": "a", "name": "b"}',
    b"{" + b'"a": 1,' * 20_000 + b'"b": 2}',
)
_MEMBERS = (
    "name",
    "scope",
    "collection",
    "subject",
    "url",
    "events",
    "expires_at",
    "overlap_s",
    "target_fpir",
    "retention_days",
    "require_consent",
    "job_retention_h",
    "consent_purpose",
    "consent_expires_at",
    "purpose",
    "given_at",
    "reference",
    "image",
    "images",
)
_TYPES = ("application/json", "multipart/form-data; boundary=a", "image/png", "text/plain", "")
_PATHS = ("%00", "%F0%9F%92%A9", "..%2f", "%ED%A0%80", "a" * 3000, "-1", str(2**70))


#: The statuses that the description names for each operation.
_DOCUMENTED = {
    (method.upper(), path): set(operation["responses"])
    for method, path, operation in OPERATIONS.values()
}


def _bodies():
    yield from product(_DOCUMENTS, _TYPES)
    for member, value in product(_MEMBERS, _VALUES):
        yield f'{{"{member}": {value}}}'.encode("utf-8", "surrogatepass"), "application/json"


def _requests(home, limit):
    """Give operation, path and arguments of hostile calls, spread over all the operations.

    They come without a key, with one that may only read, and with one that may do everything.
    """
    bodies = list(_bodies())
    keys = ("", home.keys["read"], home.keys["admin"])
    number = 0
    for operation, row in ROWS.items():
        method, rule = operation
        if method == "DELETE":  # what is there is needed to the end
            continue
        for step in range(limit):
            body, kind = bodies[(number := number + 7) % len(bodies)]
            service = isinstance(row.needs, ServiceType)
            key = home.services[row.needs] if service else keys[step % len(keys)]
            path = _PARAMETER.sub(lambda found: (home.ids | PLACES)[found[1]], rule)
            if step % 5 == 4:
                strange = _PATHS[number % len(_PATHS)]
                path = _PARAMETER.sub(lambda _, strange=strange: strange, rule)
            query = {"page_size": _VALUES[number % len(_VALUES)]} if step % 3 == 2 else {}
            yield (
                operation,
                path,
                {
                    "data": body,
                    "content_type": kind,
                    "headers": {"x-api-key": key},
                    "query_string": query,
                },
            )


def test_no_request_ends_in_a_500_or_an_undocumented_answer(world, size, finding):
    home = world.households[0]
    client = world.client()
    n, broken, undocumented = 0, [], []
    for operation, path, arguments in _requests(home, size(small=6, fast=60, full=200)):
        answer = client.open(path, method=operation[0], **arguments)
        n += 1
        if answer.status_code >= 500 and answer.status_code != 503:
            broken.append((operation, path, arguments, answer.text))
        statuses = _DOCUMENTED.get((operation[0], _PARAMETER.sub(r"{\1}", operation[1])))
        if statuses is None or answer.request.path.startswith("/api/"):
            continue
        right_type = answer.status_code < 400 or answer.content_type == MEDIA_TYPE
        # A strange path may be another route's, or nobody's.
        routed = (
            "%" not in path and len(path) < 2000 and "/-1" not in path and "1180591" not in path
        )
        if routed and (str(answer.status_code) not in statuses or not right_type):
            undocumented.append((operation, arguments, answer.status_code, answer.text))
    naive = _naive()
    finding(
        test="T16",
        promise="Any input is answered, and as the description says",
        n=n,
        figure=f"{len(broken)} server errors, {len(undocumented)} undocumented answers",
        passed=not broken and not undocumented,
        naive=f"a plain Flask route: {naive} of {len(_DOCUMENTS)} documents end in a 500",
        naive_failed=naive > 0,
    )


def _naive():
    """Return how many documents a route without a schema answers with 500."""
    app = Flask("naive")

    @app.post("/")
    def take():
        return json.dumps(request.get_json()["name"].strip())

    client = app.test_client()
    return sum(
        client.post("/", data=document, content_type="application/json").status_code == 500
        for document in _DOCUMENTS
    )
