"""What is put on a real broker."""

from __future__ import annotations

import base64
import json
from itertools import count

import pytest
import redis
from celery import Celery

from app.domain.backlog import Lane
from app.domain.identity import new_id
from app.domain.job import JobType
from app.messaging import queue as queue_module
from app.messaging.celery import configure
from app.messaging.queue import CeleryJobQueue


@pytest.fixture
def broker(redis_server):
    with redis.Redis.from_url(redis_server.url()) as client:
        client.flushdb()
        yield client


@pytest.fixture
def queue(redis_server, broker):
    celery = configure(Celery(set_as_current=False), redis_server.url())
    yield CeleryJobQueue(celery)
    celery.close()


@pytest.fixture
def seconds_apart(monkeypatch):
    """Return a function that lets so many seconds pass from one submit to the next."""

    def set_pace(seconds):
        moments = count(1000.0, seconds)
        monkeypatch.setattr(queue_module.time, "monotonic", lambda: next(moments))

    return set_pace


def _waiting(broker, queue="inference"):
    return broker.llen(f"vultus:{queue}")


def test_a_backlog_of_shared_jobs_gets_a_bounded_number_of_messages(queue, broker, seconds_apart):
    seconds_apart(0.001)
    assert all(queue.put_job(new_id(), JobType.DETECTION, shared=True) for _ in range(100))
    assert _waiting(broker) == 32


def test_a_job_of_its_own_always_gets_its_message(queue, broker, seconds_apart):
    seconds_apart(0.001)
    for _ in range(40):
        queue.put_job(new_id(), JobType.DETECTION)
    assert _waiting(broker) == 40


def test_a_job_that_is_waited_for_gets_its_message_past_a_backlog(queue, broker, seconds_apart):
    seconds_apart(0.001)
    for _ in range(40):
        queue.put_job(new_id(), JobType.DETECTION, shared=True)
    queue.put_job(new_id(), JobType.DETECTION, lane=Lane.INTERACTIVE, shared=True)
    assert (_waiting(broker, "interactive"), _waiting(broker)) == (1, 32)


def test_a_training_is_left_to_the_worker_that_only_trains(queue, broker):
    for lane in Lane:
        queue.put_job(new_id(), JobType.TRAINING, lane=lane)
    assert (_waiting(broker, "training"), _waiting(broker), _waiting(broker, "interactive")) == (
        2,
        0,
        0,
    )


def test_a_delivery_is_left_to_the_worker_that_waits_for_others(queue, broker):
    queue.put_delivery(new_id())
    assert (_waiting(broker, "webhooks"), _waiting(broker, "io")) == (1, 0)


def test_jobs_that_come_now_and_then_get_a_message_each(queue, broker, seconds_apart):
    seconds_apart(1)
    for _ in range(40):
        queue.put_job(new_id(), JobType.DETECTION, shared=True)
    assert _waiting(broker) == 40


def test_a_message_holds_an_id_and_nothing_else_of_the_job(queue, broker):
    job_id = new_id()
    queue.put_job(job_id, JobType.DETECTION)
    [message] = broker.lrange("vultus:inference", 0, -1)
    arguments, keywords, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
    assert (arguments, keywords) == ([str(job_id)], {})


@pytest.mark.parametrize("job_type", sorted(kind for kind in JobType if kind.is_on_images))
def test_one_task_runs_jobs_on_images_and_monitors_tell_their_types_apart(queue, broker, job_type):
    queue.put_job(new_id(), job_type)
    [message] = broker.lrange("vultus:inference", 0, -1)
    headers = json.loads(message)["headers"]
    assert (headers["task"], headers["shadow"]) == ("recognition.run", f"recognition.{job_type}")


def test_a_broker_that_is_away_is_left_alone_for_a_while():
    celery = configure(Celery(set_as_current=False), "redis://127.0.0.1:1/0")
    queue = CeleryJobQueue(celery)
    assert not queue.put_job(new_id(), JobType.DETECTION, shared=True)
    assert not queue.put_delivery(new_id())
