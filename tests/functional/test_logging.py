from __future__ import annotations

import json
import logging

import pytest
from factories import image_bytes

from app import observability
from app.observability import JsonFormatter


@pytest.fixture
def lines():
    """The lines of the log, as they are written."""
    written = []

    class Keep(logging.Handler):
        def emit(self, record):
            written.append(json.loads(self.format(record)))

    handler = Keep()
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger("app")
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def test_an_answer_is_logged_with_its_ids_and_without_names(admin, staff, lines):
    answer = admin.post(
        "/v1/collections/staff/faces?subject=Ann",
        data=image_bytes(),
        content_type="image/jpeg",
        headers={"X-Request-Id": "r-1"},
    )
    [line] = [line for line in lines if line.get("action") == "request.answer"]
    assert line["request_id"] == "r-1"
    assert line["job_id"] == answer.json["id"]
    assert line["route"] == "/v1/collections/<collection>/faces"
    assert line["status"] == 202
    assert line["key_id"] == str(admin.key.id)
    text = json.dumps(lines)
    for secret in ("Ann", "staff", admin.credential):
        assert secret not in text
    assert observability.request_id.get() is None


def test_what_fails_behind_a_request_is_logged_without_its_path(app, admin, staff, caplog):
    """Flask's own words on it hold the path, which may hold a name."""

    def fail(_):
        raise ZeroDivisionError

    app.after_request_funcs.setdefault("v1", []).append(fail)
    answer = admin.get("/v1/collections/staff/subjects/Ann%20Secret")
    assert answer.status_code == 500
    assert "a request failed" in caplog.text
    assert all("Secret" not in record.getMessage() for record in caplog.records)
