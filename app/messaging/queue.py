"""The queue as a sender sees it."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from app.messaging.names import JOB_TASKS, TaskName

if TYPE_CHECKING:
    from uuid import UUID

    from celery import Celery

    from app.domain.job import JobType

_LOG = logging.getLogger(__name__)

#: After a failure the broker is left alone for so long, so that an outage costs one request its
#: time-out and not each.
_PAUSE_S = 2.0


class CeleryJobQueue:
    """Sends tasks by name, so that no task's code is needed here."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._lock = threading.Lock()
        self._closed_until = 0.0

    def put_job(self, job_id: UUID, job_type: JobType) -> bool:
        """See :meth:`app.services.ports.JobQueue.put_job`."""
        return self._put(JOB_TASKS[job_type], job_id)

    def put_delivery(self, delivery_id: UUID) -> bool:
        """See :meth:`app.services.ports.JobQueue.put_delivery`."""
        return self._put(TaskName.DELIVER, delivery_id)

    def _put(self, task: TaskName, key: UUID) -> bool:
        with self._lock:
            if time.monotonic() < self._closed_until:
                return False
        try:
            self._celery.send_task(task, args=[str(key)], retry=False, argsrepr="", kwargsrepr="")
        except (OperationalError, RedisError, OSError) as error:
            _LOG.warning("the broker is out of reach: %s", type(error).__name__)
            with self._lock:
                self._closed_until = time.monotonic() + _PAUSE_S
            return False
        return True
