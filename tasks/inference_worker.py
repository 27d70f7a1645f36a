"""The worker that holds the models: ``celery -A tasks.inference_worker worker -Q inference``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from celery.signals import worker_process_init

from app.bootstrap import build_container
from app.imaging.inspect import ImageLimits
from app.messaging.celery import configure
from app.messaging.names import TaskName
from app.observability import configure_logging
from app.settings import Settings
from app.storage.tenancy import DatabaseRole
from tasks.app import celery
from tasks.infer import run_image_job
from tasks.retrain import run_training_job
from tasks.runtime import InferenceRuntime, inference_runtime
from workers.registry import build_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger(__name__)

_settings = Settings.load()
configure(celery, _settings.redis_url.get_secret_value())
_runtime: InferenceRuntime | None = None


@worker_process_init.connect
def _start(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    """Load the models in the child: threads that a parent had started would not survive a fork."""
    global _runtime  # noqa: PLW0603 - one per process, as the process is the worker
    configure_logging(_settings.log_level)
    container = build_container(_settings, role=DatabaseRole.WORKER)
    pipeline = build_pipeline(
        _settings.model,
        engine=_settings.engine,
        precision=_settings.precision,
        device=_settings.device,
        threads=_settings.threads,
        weights_dir=_settings.weights_dir,
        min_face_size=_settings.min_face_size,
        detection_threshold=_settings.detection_threshold,
        limits=ImageLimits(max_bytes=_settings.max_upload_bytes, max_pixels=_settings.max_pixels),
    )
    _runtime = inference_runtime(container, pipeline)
    _LOG.info("models loaded", extra={"action": "models_loaded", "engine": pipeline.engine_name})


def _register(name: TaskName, run: Callable[[UUID, InferenceRuntime], None]) -> None:
    @celery.task(name=name)
    def task(job_id: str) -> None:
        if _runtime is None:
            raise RuntimeError("the worker took a task before its models were loaded")
        run(UUID(job_id), _runtime)


for _name in (
    TaskName.DETECT,
    TaskName.EMBED,
    TaskName.VERIFY,
    TaskName.IDENTIFY,
    TaskName.ENROL,
):
    _register(_name, run_image_job)


def _train(job_id: UUID, runtime: InferenceRuntime) -> None:
    run_training_job(job_id, runtime)
    run_image_job(job_id, runtime)  # for those to whom this message was enough: JobQueue.put_job


_register(TaskName.RETRAIN, _train)
