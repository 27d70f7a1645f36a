from __future__ import annotations

import pytest
import redis
from celery import Celery

from app.domain.identity import new_id
from app.domain.job import JobType, Lane
from app.messaging.celery import configure
from app.messaging.names import QueueName
from app.messaging.queue import CeleryJobQueue
from tests.fakes import FakeJobQueue


class _OfFake:
    def __init__(self, *, down):
        self.queue = FakeJobQueue()
        self.queue.down = down

    def count(self):
        return len(self.queue.jobs) + len(self.queue.deliveries)


class _OfCelery:
    def __init__(self, url, *, down):
        self.celery = configure(
            Celery(set_as_current=False), "redis://127.0.0.1:1/0" if down else url
        )
        self.celery.conf.broker_transport_options |= {"max_retries": 0}
        self.queue = CeleryJobQueue(self.celery)
        self._url = url

    def count(self):
        with redis.Redis.from_url(self._url) as client:
            return sum(client.llen(f"vultus:{name}") for name in QueueName)


@pytest.fixture(params=["fake", "celery"])
def open_queue(request):
    """Return a function that makes an empty queue, with or without its broker."""
    if request.param == "fake":
        yield _OfFake
        return
    server = request.getfixturevalue("redis_server")
    made = []

    def make(*, down):
        made.append(_OfCelery(server.url(), down=down))
        return made[-1]

    with redis.Redis.from_url(server.url()) as client:
        client.flushdb()
        yield make
        client.flushdb()
    for one in made:
        one.celery.close()


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("job_type", [JobType.DETECTION, JobType.TRAINING, JobType.REEMBEDDING])
def test_each_job_is_put_once(open_queue, lane, job_type):
    found = open_queue(down=False)
    assert found.queue.put_job(new_id(), job_type, lane=lane) is True
    assert found.count() == 1


def test_a_shared_job_is_put_where_none_waits(open_queue):
    found = open_queue(down=False)
    assert found.queue.put_job(new_id(), JobType.DETECTION, shared=True) is True
    assert found.count() == 1


def test_a_delivery_is_put_beside_the_jobs(open_queue):
    found = open_queue(down=False)
    found.queue.put_job(new_id(), JobType.DETECTION)
    assert found.queue.put_delivery(new_id()) is True
    assert found.count() == 2


def test_a_broker_out_of_reach_is_told_and_raises_nothing(open_queue):
    found = open_queue(down=True)
    assert found.queue.put_job(new_id(), JobType.DETECTION) is False
    assert found.queue.put_delivery(new_id()) is False
    assert found.count() == 0
