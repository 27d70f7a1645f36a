"""The settings that senders and workers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kombu.entity import Queue

from app.messaging.connection import PersistentConnection
from app.messaging.names import QueueName, TaskName

if TYPE_CHECKING:
    from celery import Celery

#: A task that runs longer is stopped, and its job counts a lost process.
TASK_TIME_LIMIT_S = 600

#: The tasks that need no models, and their queues.
_QUEUES = {
    TaskName.DELIVER: QueueName.WEBHOOKS,
    TaskName.SWEEP: QueueName.IO,
    TaskName.SEAL: QueueName.IO,
    TaskName.RETRAIN: QueueName.TRAINING,
    TaskName.SCRUB: QueueName.IO,
}


def configure(celery: Celery, redis_url: str) -> Celery:
    """Connect a Celery app to the broker; return it.

    A message carries one id. Whether a job is done is known to Postgres alone, so there is no
    result backend, and a message that is lost or comes twice does no harm: a claim is taken once,
    and the sweep puts the messages of jobs that still wait. For the same reason
    ``task_reject_on_worker_lost`` stays off: Celery would try a job that kills its process without
    end, where the lease counts its losses.
    """
    celery.amqp.Connection = PersistentConnection
    celery.conf.update(
        broker_url=redis_url,
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=False,
        task_time_limit=TASK_TIME_LIMIT_S,
        task_queues=[Queue(name) for name in QueueName],  # type: ignore[no-untyped-call]
        task_default_queue=QueueName.IO,
        task_create_missing_queues=False,
        task_routes={name: {"queue": _QUEUES.get(name, QueueName.INFERENCE)} for name in TaskName},
        worker_prefetch_multiplier=1,
        # A model takes seconds to load; billiard gives up on a silent child after four.
        worker_proc_alive_timeout=120,
        worker_soft_shutdown_timeout=20,
        # On a lost connection Celery would revoke the running task for good.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            # Longer than any task may run, so that no message comes back to life meanwhile.
            "visibility_timeout": 3 * TASK_TIME_LIMIT_S,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 15,
            "global_keyprefix": "vultus:",
        },
    )
    return celery


def schedule(
    *, sweep_interval_s: float, pulse_interval_s: float, scrub_interval_s: float
) -> dict[str, Any]:
    """Return what beat sends, and when.

    What is not taken within its interval is dropped, so that a worker that was stopped finds one
    waiting and not hundreds.
    """
    intervals_s = {
        TaskName.SWEEP: sweep_interval_s,
        TaskName.SEAL: sweep_interval_s,
        TaskName.PULSE: pulse_interval_s,
        TaskName.SCRUB: scrub_interval_s,
    }
    return {
        name: {
            "task": name,
            "schedule": interval_s,
            "options": {"expires": max(1.0, interval_s)},
        }
        for name, interval_s in intervals_s.items()
    }
