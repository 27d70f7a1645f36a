"""Jobs on images: claim what waits, run the models over all of it, end each job on its own."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from itertools import count, groupby, islice
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from app.domain.errors import VultusError
from app.domain.job import JobType
from app.domain.pulse import Part
from app.services.complete import Outcome, complete_job, complete_jobs
from app.services.detect import detected, embedded
from app.services.enrol import enrolled
from app.services.identify import identified
from app.services.verify import verified
from tasks.heartbeat import Heartbeat
from tasks.limits import patience
from tasks.persistence import PATIENCE_S, put_back, put_back_uncounted, store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.domain.detection import ImageAnalysis
    from app.domain.job import Job
    from app.services.complete import Conclude
    from app.services.ports import UnitOfWork
    from tasks.runtime import InferenceRuntime

Analysis: TypeAlias = "ImageAnalysis | VultusError"

_LOG = logging.getLogger(__name__)

#: Types of jobs that write nothing but their result.
_READING = frozenset(
    {JobType.DETECTION, JobType.EMBEDDING, JobType.VERIFICATION, JobType.RECOGNITION}
)

#: How long one message keeps a worker at a backlog: short beside the patience of a shutdown, long
#: beside what a message costs.
_TURN_S = 2.0

#: Each so many batches one goes to the oldest jobs, so that bulk work moves on however many callers
#: wait.
_BY_AGE = 4


def run_image_job(job_id: UUID, runtime: InferenceRuntime) -> None:
    """Run a job and whatever waits with it, until nothing does or the turn is over.

    The models take several images at once for less than their sum, so a backlog is worked off in
    batches; nothing ever waits for a batch to fill. One message is enough for a whole backlog: a
    message that outlives its job makes its worker look for others, and a turn that ends too early
    puts one for the rest.
    """
    end_of_turn = time.monotonic() + _TURN_S
    most = runtime.container.settings.batch_size
    asked: UUID | None = job_id
    for number in count(1):
        claims = _claim(asked, runtime, by_age=number % _BY_AGE == 0)
        if claims:
            _run(claims, runtime)
        if len(claims) < most and not _unsociable(claims):
            return
        if time.monotonic() > end_of_turn:
            runtime.container.queue.put_job(job_id, claims[0][0].type)
            return
        asked = None


def _unsociable(claims: Sequence[tuple[Job, list[bytes]]]) -> bool:
    """Tell whether a job was claimed that takes no others along, so that some may wait still."""
    return any(job.progress.total != 1 or job.attempt > 1 for job, _ in claims)


def _claim(
    job_id: UUID | None, runtime: InferenceRuntime, *, by_age: bool
) -> list[tuple[Job, list[bytes]]]:
    most = runtime.container.settings.batch_size
    with runtime.container.uow() as work:
        claims = work.jobs.claim(
            job_id,
            worker=runtime.name,
            lease=runtime.lease,
            companions=most if job_id is None else most - 1,
            by_age=by_age,
        )
        work.commit()
    return claims


def _run(claims: Sequence[tuple[Job, list[bytes]]], runtime: InferenceRuntime) -> None:
    try:
        _work(claims, runtime)
    except SystemExit:  # the worker's patience with its running tasks is over
        for job, _ in claims:
            put_back_uncounted(job, runtime.container)
        raise


def _work(claims: Sequence[tuple[Job, list[bytes]]], runtime: InferenceRuntime) -> None:
    jobs = [job for job, _ in claims]
    uow = runtime.container.uow
    with Heartbeat(jobs, lease=runtime.lease, uow=uow):
        try:
            analyses = _analyse(claims, runtime)
        except Exception as fault:
            _LOG.exception("inference failed", extra={"action": "inference_failed"})
            for job in jobs:
                put_back(job, runtime.container, runtime.rules, fault=fault)
            # Not as it is: a MemoryError that a task raises ends the whole worker.
            raise RuntimeError("inference failed") from fault
        _complete(
            [
                (job, _conclusion(job, list(islice(analyses, job.progress.total)), runtime))
                for job in jobs
            ],
            runtime,
        )


def _analyse(
    claims: Sequence[tuple[Job, list[bytes]]], runtime: InferenceRuntime
) -> Iterator[Analysis]:
    """Return the analyses of all images of all claims, in order, in batches of bounded size."""
    images = [(job, image) for job, images in claims for image in images]
    embed = any(job.type is not JobType.DETECTION for job, _ in claims)
    size = runtime.container.settings.batch_size
    analyses: list[Analysis] = []
    for cropped, batch in _batches(images, size):
        with patience(runtime.container.settings.batch_time_limit_s):
            analyses += runtime.pipeline.analyse(batch, embed=embed, cropped=cropped)
        runtime.container.pulses.leave(Part.INFERENCE)
        if len(claims) == 1 and len(analyses) < len(images):
            _report(claims[0][0], len(analyses), runtime)
    return iter(analyses)


def _report(job: Job, done: int, runtime: InferenceRuntime) -> None:
    """Tell how far a job is, if the database takes it: the work is not worth less without."""
    try:
        with runtime.container.uow() as work:
            work.jobs.report(job, done)
            work.commit()
    except VultusError as error:
        _LOG.warning("progress not told: %s", error.slug)


def _batches(images: Sequence[tuple[Job, bytes]], size: int) -> Iterator[tuple[bool, list[bytes]]]:
    """Cut images into batches, apart by whether they show a scene or are cropped faces."""
    for cropped, run in groupby(images, key=lambda pair: bool(pair[0].parameters.get("cropped"))):
        while batch := [image for _, image in islice(run, size)]:
            yield cropped, batch


def _complete(conclusions: Sequence[tuple[Job, Conclude]], runtime: InferenceRuntime) -> None:
    """End the jobs of a batch: those that only read together, each other by itself."""
    reading = [(job, conclude) for job, conclude in conclusions if job.type in _READING]
    alone = [(job, conclude) for job, conclude in conclusions if job.type not in _READING]
    container = runtime.container
    deadline = time.monotonic() + PATIENCE_S
    if reading:
        try:
            store(
                lambda: complete_jobs(
                    reading,
                    retention=runtime.retention,
                    uow=container.uow,
                    queue=container.queue,
                    clock=container.clock,
                ),
                deadline=deadline,
            )
        except Exception:  # noqa: BLE001 - one of them is to blame, and is found by itself
            _LOG.warning("a batch is completed job by job", exc_info=True)
        else:
            reading = []
    for job, conclude in [*reading, *alone]:
        _complete_alone(job, conclude, runtime, deadline=deadline)


def _complete_alone(
    job: Job, conclude: Conclude, runtime: InferenceRuntime, *, deadline: float
) -> None:
    """End one job; a fault in it gives only this one back."""
    container = runtime.container
    try:
        store(
            lambda: complete_job(
                job,
                conclude,
                retention=runtime.retention,
                uow=container.uow,
                queue=container.queue,
                clock=container.clock,
            ),
            deadline=deadline,
        )
    except Exception as fault:  # noqa: BLE001 - the other jobs of the batch are not to blame
        _LOG.exception(
            "job not completed", extra={"action": "job_not_completed", "job_id": str(job.id)}
        )
        put_back(job, container, runtime.rules, fault=fault)


def _admitted(image: Analysis, job: Job) -> Analysis:
    """Drop the faces that the job's own detection threshold or ``max_faces`` excludes."""
    if isinstance(image, VultusError):
        return image
    least = job.parameters.get("detection_threshold") or 0.0
    faces = tuple(face for face in image.faces if face.detection.confidence >= least)
    return replace(image, faces=faces[: job.parameters.get("max_faces")])


def _conclusion(job: Job, images: Sequence[Analysis], runtime: InferenceRuntime) -> Conclude:
    model = runtime.model
    seen = [_admitted(image, job) for image in images]

    def conclude(work: UnitOfWork) -> Outcome:
        match job.type:
            case JobType.DETECTION:
                return detected(seen)
            case JobType.EMBEDDING:
                return embedded(job, seen)
            case JobType.VERIFICATION:
                return verified(job, seen, model)
            case JobType.ENROLMENT:
                return enrolled(work, job, seen, model, runtime.container.clock)
            case JobType.RECOGNITION:
                return identified(
                    work,
                    job,
                    seen,
                    model=model,
                    classifiers=runtime.classifiers,
                    cohort=runtime.cohort,
                )
            case JobType.TRAINING:
                raise ValueError("a training job has no images")

    return conclude
