"""The worker that holds the models.

``celery -A tasks.inference_worker worker -Q interactive,inference``
"""

from __future__ import annotations

import logging
import multiprocessing
import threading
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from celery.signals import worker_process_init, worker_process_shutdown, worker_ready
from celery.worker.control import inspect_command

from app.bootstrap import build_container
from app.domain.errors import WeightsError
from app.domain.job import JobType
from app.domain.pulse import Part
from app.imaging.inspect import ImageLimits
from app.messaging.celery import configure
from app.messaging.names import FORMER_RUN_NAMES, MODELS_LOADED, TaskName
from app.observability import configure_logging
from app.settings import Settings
from app.storage.database.tenancy import DatabaseRole
from tasks.infer import run_image_job
from tasks.process.app import celery
from tasks.process.drain import end_when_told
from tasks.process.limits import limit_memory
from tasks.reembed import run_reembedding_job
from tasks.runtime import InferenceRuntime, inference_runtime
from workers.registry import build_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger(__name__)

#: A process that refuses its weights ends after this time, and Celery starts the next one.
_LOOK_AGAIN_S = 3.0

_settings = Settings.load()
configure(celery, _settings.redis_url.get_secret_value())
# In kilobytes, looked at after each task: what leaks is replaced before it meets the hard limit.
celery.conf.worker_max_memory_per_child = _settings.worker_memory_mb * 1024 * 3 // 4
_runtime: InferenceRuntime | None = None
#: How often a child has loaded the models; the children share it with their parent.
_loaded = multiprocessing.Value("i", 0)


@inspect_command(name=MODELS_LOADED)
def _models_loaded(_state: object) -> dict[str, int]:
    """Answer for the children: the parent takes messages long before they can run a job."""
    return {"loaded": _loaded.value}


@worker_process_init.connect
def _start(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    """Load the models in the child: threads that a parent had started would not survive a fork.

    Celery does no more than log what is raised here, and would leave a child that can run nothing.
    """
    global _runtime  # noqa: PLW0603 - one per process, as the process is the worker
    end_when_told()
    configure_logging(_settings.log_level)
    container = build_container(_settings, role=DatabaseRole.WORKER)
    limits = ImageLimits(max_bytes=_settings.max_upload_bytes, max_pixels=_settings.max_pixels)
    try:
        pipeline = build_pipeline(
            _settings.model,
            engine=_settings.engine,
            precision=_settings.precision,
            device=_settings.device,
            threads=_settings.threads,
            weights_dir=_settings.weights_dir,
            min_face_size=_settings.min_face_size,
            detection_threshold=_settings.detection_threshold,
            early=True,
            other_models=_settings.other_models,
            limits=limits,
        )
    except WeightsError as error:
        _LOG.error("weights refused: %s", error.detail, extra={"action": "weights_refused"})
        container.pulses.leave(Part.WEIGHTS_REFUSED)
        time.sleep(_LOOK_AGAIN_S)
        raise SystemExit(1) from error
    limit_memory(_settings.worker_memory_mb)
    _runtime = inference_runtime(container, pipeline)
    with _loaded.get_lock():
        _loaded.value += 1
    container.pulses.leave(Part.INFERENCE)
    threading.Thread(target=pipeline.finish_loading, name="finish-loading", daemon=True).start()
    _LOG.info("models loaded", extra={"action": "models_loaded", "engine": pipeline.engine_name})


@worker_process_shutdown.connect
def _stop(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    """End the decoder: left alone it would end by itself, with no parent to collect it."""
    if _runtime is not None:
        _runtime.pipeline.close()


@worker_ready.connect
def _bear_lost_children(sender: Any, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    """Replace children that die while they load the models, as later ones are.

    Celery would give up here, and its process would stay behind and take nothing.
    """
    sender.pool.did_start_ok = lambda: True


def _register(name: str, run: Callable[[UUID, InferenceRuntime], None]) -> None:
    @celery.task(name=name)
    def task(job_id: str) -> None:
        if _runtime is None:
            raise RuntimeError("The worker took a task before its models were loaded.")
        run(UUID(job_id), _runtime)


for _name in (TaskName.RUN, *FORMER_RUN_NAMES):
    _register(_name, run_image_job)


@celery.task(name=TaskName.PULSE, send_events=False)  # else a monitor would show little else
def _pulse() -> None:
    """Report that this worker takes messages; one with a backlog reports by itself."""
    if _runtime is not None:
        _runtime.container.pulses.leave(Part.INFERENCE)


def _reembed(job_id: UUID, runtime: InferenceRuntime) -> None:
    if run_reembedding_job(job_id, runtime):
        runtime.container.queue.put_job(job_id, JobType.REEMBEDDING)  # behind whatever waits
    run_image_job(None, runtime)  # for those to whom this message was enough: JobQueue.put_job


_register(TaskName.REEMBED, _reembed)
