"""What the version before has left behind is done by this one."""

from __future__ import annotations

import json
from uuid import uuid4

import psycopg
import pytest
from celery import Celery

from app.messaging.celery import configure
from app.messaging.names import FORMER_RUN_NAMES, QueueName
from deploy.local.waiting import wait_until

PATIENCE_S = 30

#: Jobs as rows hold them, by the task that ran them.
LEFT = {
    "recognition.detect": ("detection", {"detection_threshold": 0.5}, 1),
    "recognition.embed": ("embedding", {"face_policy": "largest"}, 1),
    "recognition.verify": ("verification", {"face_policy": "prominent"}, 2),
    "recognition.identify": ("recognition", {"limit": 5}, 1),
    "recognition.enrol": ("enrolment", {"subject": "Zo\u00eb", "face_policy": "prominent"}, 1),
}


@pytest.fixture(scope="module")
def database(service):
    with psycopg.connect(service.database_url(), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def send(service):
    """Return a function that puts a message as the version before did."""
    celery = configure(Celery(set_as_current=False), service.redis_url())
    yield lambda task, job_id: celery.send_task(
        task, args=[str(job_id)], queue=QueueName.INFERENCE, argsrepr="", kwargsrepr=""
    )
    celery.close()


@pytest.fixture
def collection(service):
    with service.client() as http:
        yield http.post("/v1/collections", json={"name": f"left {uuid4()}"}).json()["id"]


@pytest.fixture
def leave(database, collection, photographs):
    """Return a function that stores a job whose message no sweep will put for an hour."""

    def store(job_type, parameters, images):
        job_id = uuid4()
        database.execute(
            "insert into jobs (id, type, state, collection_id, parameters, done, total, attempt,"
            " losses, publish_at, publishes, created_at) values (%s, %s, 'queued', %s, %s, 0, %s,"
            " 0, 0, now() + interval '1 hour', 1, now())",
            [job_id, job_type, collection, json.dumps(parameters), images],
        )
        for number, photograph in enumerate(photographs[:images]):
            database.execute(
                "insert into images (id, job_id, number, data) values (%s, %s, %s, %s)",
                [uuid4(), job_id, number, photograph.read_bytes()],
            )
        return job_id

    return store


def test_every_former_task_is_tried():
    assert set(LEFT) == set(FORMER_RUN_NAMES)


@pytest.mark.parametrize("task", LEFT)
def test_a_message_of_the_version_before_runs_its_job(service, database, leave, send, task):
    job_id = leave(*LEFT[task])
    send(task, job_id)

    def ended():
        row = database.execute("select finished_at from jobs where id = %s", [job_id]).fetchone()
        return row[0] is not None

    wait_until(ended, PATIENCE_S, f"the job of {task} to end")
    with service.client() as http:
        job = http.get(f"/v1/jobs/{job_id}").json()
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert job["result"]
