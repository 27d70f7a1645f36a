"""The worker that trains: ``celery -A tasks.training_worker worker -Q training``.

It has a process of its own, without models and at a low priority, so that a training holds up no
image.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery.signals import worker_process_init

from app.bootstrap import build_container
from app.messaging.celery import configure
from app.messaging.names import TaskName
from app.observability import configure_logging
from app.settings import Settings
from app.storage.database.tenancy import DatabaseRole
from tasks.process.app import celery
from tasks.process.drain import end_when_told
from tasks.process.limits import limit_memory
from tasks.retrain import run_training_job
from tasks.runtime import Runtime, training_runtime

_settings = Settings.load()
configure(celery, _settings.redis_url.get_secret_value())
_runtime: Runtime | None = None


@worker_process_init.connect
def _start(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    global _runtime  # noqa: PLW0603 - one per process, as the process is the worker
    end_when_told()
    configure_logging(_settings.log_level)
    limit_memory(_settings.worker_memory_mb)
    _runtime = training_runtime(build_container(_settings, role=DatabaseRole.WORKER))


@celery.task(name=TaskName.RETRAIN)
def _train(job_id: str) -> None:
    if _runtime is None:
        raise RuntimeError("The worker took a task before it had started.")
    run_training_job(UUID(job_id), _runtime)
