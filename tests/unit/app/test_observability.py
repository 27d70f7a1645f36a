from __future__ import annotations

import json
import logging

from app import observability
from app.observability import JsonFormatter


def formatted(**fields):
    record = logging.makeLogRecord({"name": "app", "levelname": "INFO", "msg": "done"} | fields)
    return json.loads(JsonFormatter().format(record))


def test_a_line_carries_its_extras_and_the_ids_of_its_context():
    token = observability.job_id.set("j1")
    try:
        line = formatted(action="job.end")
    finally:
        observability.job_id.reset(token)
    assert line["message"] == "done"
    assert line["action"] == "job.end"
    assert line["job_id"] == "j1"
    assert "request_id" not in line


def test_the_message_of_an_exception_stays_out():
    try:
        {}["Ann's row"]
    except KeyError as error:
        line = formatted(exc_info=(type(error), error, error.__traceback__))
    assert line["exception"] == "KeyError"
    assert "test_observability.py" in line["frames"][0]
    assert "Ann" not in json.dumps(line)


def test_celerys_words_on_a_failed_task_do_not_quote_the_exception():
    try:
        {}["the face of Ada Lovelace, [0.1, 0.2]"]
    except KeyError as error:
        record = logging.LogRecord(
            "celery.app.trace",
            logging.ERROR,
            __file__,
            1,
            "Task %(name)s[%(id)s] raised unexpected: %(exc)s",
            ({"name": "recognition.enrol", "id": "7", "exc": repr(error)},),
            (type(error), error, error.__traceback__),
        )
        record.data = {"name": "recognition.enrol", "id": "7", "traceback": repr(error)}
    text = JsonFormatter().format(record)
    assert "Ada" not in text
    assert "0.2" not in text
    line = json.loads(text)
    assert (line["task"], line["exception"]) == ("recognition.enrol", "KeyError")
