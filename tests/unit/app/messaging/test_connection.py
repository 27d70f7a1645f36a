import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from app.messaging.celery import configure
from deploy.local.ports import free_port


def test_workers_try_every_second_to_reach_a_broker_that_is_away():
    celery = configure(Celery(set_as_current=False), f"redis://127.0.0.1:{free_port()}/0")
    pauses = []

    with celery.connection_for_read() as connection, pytest.raises(OperationalError):
        connection.ensure_connection(lambda _, pause: pauses.append(pause), max_retries=2)

    assert pauses == [1, 1]
