"""The settings that differ from Celery's own, as a running app has them."""

from __future__ import annotations

import pytest
from celery import Celery

from app.messaging.celery import configure


@pytest.fixture
def conf():
    with Celery(set_as_current=False) as celery:
        yield configure(celery, "redis://127.0.0.1:1/0").conf


def test_a_message_can_neither_run_code_nor_be_a_second_truth(conf):
    assert list(conf.accept_content) == ["json"]
    assert conf.task_serializer == "json"
    assert conf.result_backend is None
    assert conf.task_ignore_result


def test_lost_processes_are_counted_by_leases_and_not_repeated_by_the_broker(conf):
    assert conf.task_acks_late
    assert not conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1


def test_no_message_comes_back_while_its_task_may_run(conf):
    options = conf.broker_transport_options
    assert options["visibility_timeout"] > conf.task_time_limit
    assert (options["unacked_restore_interval"], options["unacked_restore_throttle"]) == (5, 1)


def test_a_broker_that_hangs_is_noticed(conf):
    options = conf.broker_transport_options
    assert options["socket_timeout"] == 5
    assert options["socket_connect_timeout"] == 2
    assert options["health_check_interval"] == 15
    assert conf.broker_connection_max_retries is None
    assert conf.broker_connection_retry_on_startup


def test_a_stop_does_not_wait_for_ever(conf):
    assert conf.worker_soft_shutdown_timeout == 20
    assert not conf.worker_cancel_long_running_tasks_on_connection_loss
