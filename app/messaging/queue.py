"""The queue as a sender sees it."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from app.domain.backlog import Lane
from app.domain.job import JobType
from app.messaging.names import JOB_TASKS, LANE_QUEUES, QueueName, TaskName, label_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from celery import Celery

_LOG = logging.getLogger(__name__)

#: After a failure the broker is left alone for so long, so that an outage costs one request its
#: time-out and not each.
_PAUSE_S = 2.0


#: With so many messages waiting, each of which brings a worker to the whole backlog, one more adds
#: nothing; a thousand more would have to be taken from the queue when the backlog is long gone.
_ENOUGH_WAITING = 32

#: Submits that come less often leave no backlog, and need no look at the queue.
_BUSY_S = 0.05


class CeleryJobQueue:
    """Sends tasks by name, so that no task's code is needed here."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._lock = threading.Lock()
        self._try_at: float | None = None
        self._last_shared = 0.0

    def put_job(
        self, job_id: UUID, job_type: JobType, *, lane: Lane = Lane.BULK, shared: bool = False
    ) -> bool:
        """See :meth:`app.services.ports.JobQueue.put_job`."""

        def put() -> None:
            queue = LANE_QUEUES[lane]
            if job_type is JobType.TRAINING:
                queue = QueueName.TRAINING
            if not (shared and self._enough_waiting(queue)):
                self._send(JOB_TASKS[job_type], job_id, queue, label=label_of(job_type))

        return self._attempt(put)

    def put_delivery(self, delivery_id: UUID) -> bool:
        """See :meth:`app.services.ports.JobQueue.put_delivery`."""
        return self._attempt(lambda: self._send(TaskName.DELIVER, delivery_id, QueueName.WEBHOOKS))

    def _attempt(self, put: Callable[[], None]) -> bool:
        """Leave the broker alone for a while when it does not answer; then one request tries."""
        with self._lock:
            if self._try_at is not None:
                if time.monotonic() < self._try_at:
                    return False
                self._try_at = time.monotonic() + _PAUSE_S
        try:
            put()
        except (OperationalError, RedisError, OSError) as error:
            _LOG.warning("the broker is out of reach: %s", type(error).__name__)
            with self._lock:
                self._try_at = time.monotonic() + _PAUSE_S
            return False
        with self._lock:
            self._try_at = None
        return True

    def _send(
        self, task: TaskName, key: UUID, queue: QueueName, *, label: str | None = None
    ) -> None:
        """Put a message; logs and monitors show its task by the label."""
        self._celery.send_task(
            task,
            args=[str(key)],
            queue=queue,
            retry=False,
            argsrepr="",
            kwargsrepr="",
            shadow=label,
        )

    def _enough_waiting(self, queue: QueueName) -> bool:
        now = time.monotonic()
        with self._lock:
            busy = now - self._last_shared < _BUSY_S
            self._last_shared = now
        if not busy:
            return False
        with self._celery.pool.acquire(block=True) as connection:
            waiting: int = connection.default_channel.client.llen(queue)
        return waiting >= _ENOUGH_WAITING
