"""Jobs on images: claim what waits, run the models over all of it, end each job on its own."""

from __future__ import annotations

import logging
import time
from functools import partial
from itertools import groupby, islice
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from app.domain.errors import ModelChangedError, ModelMismatchError, VultusError
from app.domain.job import JobType
from app.domain.job_parameters import ImageParameters
from app.domain.pulse import Part
from app.services.recognition.answer import answered
from tasks.process.heartbeat import Heartbeat
from tasks.process.limits import patience
from tasks.process.persistence import PATIENCE_S, excuse, retry, store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.domain.detection import ImageAnalysis
    from app.domain.job import Job
    from app.services.jobs.complete import Conclude
    from tasks.models import ReadyModel
    from tasks.runtime import InferenceRuntime

Analysis: TypeAlias = "ImageAnalysis | VultusError"
#: The models of a job, or why they cannot be had.
Choice: TypeAlias = "tuple[ReadyModel, ...] | ModelMismatchError"

_LOG = logging.getLogger(__name__)

#: Types of jobs that write nothing but their result.
_READING = frozenset(
    {JobType.DETECTION, JobType.EMBEDDING, JobType.VERIFICATION, JobType.RECOGNITION}
)

#: Types of jobs whose vectors are compared with a collection's, or stored in it.
_OF_COLLECTION = frozenset({JobType.RECOGNITION, JobType.ENROLMENT})

#: How long one message keeps a worker at a backlog: short beside the patience of a shutdown, long
#: beside what a message costs.
_TURN_S = 2.0


def run_image_job(job_id: UUID | None, runtime: InferenceRuntime) -> None:
    """Run whatever is next, until nothing waits or the time of this message is over.

    The models take several images at once for less than their sum, so a backlog is worked off in
    batches; nothing ever waits for a batch to fill. A message brings a worker, and whose turn it is
    the rows tell; only a job that was tried before is run because its message says so. One message
    is enough for a whole backlog: where its time ends too early, it puts one for the rest.
    """
    end = time.monotonic() + _TURN_S
    asked = job_id
    while True:
        most, bulk = runtime.batches.next(), runtime.batches.is_for_bulk()
        claims = _claim(asked, most, runtime, bulk=bulk)
        if claims:
            _run(claims, runtime)
        more = bulk or len(claims) >= most or _unsociable(claims)
        runtime.batches.found(more=more)
        if not more:
            return
        if claims and time.monotonic() > end:
            last, _ = claims[0]
            runtime.container.queue.put_job(job_id or last.id, last.type)
            return
        asked = None


def _unsociable(claims: Sequence[tuple[Job, list[bytes]]]) -> bool:
    """Tell whether a job was claimed that takes no others along, so that some may wait still."""
    return any(job.progress.total != 1 or job.attempt > 1 for job, _ in claims)


def _claim(
    job_id: UUID | None, most: int, runtime: InferenceRuntime, *, bulk: bool
) -> list[tuple[Job, list[bytes]]]:
    return runtime.container.desk.claim(
        job_id, worker=runtime.name, lease=runtime.lease, companions=most - 1, bulk=bulk
    )


def _run(claims: Sequence[tuple[Job, list[bytes]]], runtime: InferenceRuntime) -> None:
    try:
        _work(claims, runtime)
    except SystemExit:  # the worker's patience with its running tasks is over
        for job, _ in claims:
            excuse(job, runtime.container.desk)
        raise


def _work(claims: Sequence[tuple[Job, list[bytes]]], runtime: InferenceRuntime) -> None:
    jobs = [job for job, _ in claims]
    uow = runtime.container.uow
    with Heartbeat(jobs, lease=runtime.lease, uow=uow):
        try:
            choices = {job.id: _choice(job, runtime) for job in jobs}
            analyses = _analyse(claims, choices, runtime)
        except Exception as fault:
            for job in jobs:  # before the log, which takes memory too
                retry(job, runtime.container.desk, fault=fault)
            _LOG.exception("inference failed", extra={"action": "inference_failed"})
            # Not as it is: a MemoryError that a task raises ends the whole worker.
            raise RuntimeError("The inference failed.") from fault
        _complete(_conclusions(jobs, choices, analyses, runtime), runtime)


def _choice(job: Job, runtime: InferenceRuntime) -> Choice:
    """Return the models to embed with: a new face needs all of its collection's."""
    if job.type not in _OF_COLLECTION or not job.models:
        return (runtime.models.main,)
    wanted = job.models if job.type is JobType.ENROLMENT else job.models[:1]
    try:
        return tuple(runtime.models.get(model) for model in wanted)
    except ModelMismatchError as error:
        return error


def _analyse(
    claims: Sequence[tuple[Job, list[bytes]]],
    choices: Mapping[UUID, Choice],
    runtime: InferenceRuntime,
) -> Iterator[Analysis]:
    """Return the analyses of all images of all claims, in order, in batches of bounded size."""
    images = [(job, image) for job, images in claims for image in images]
    embed = any(job.type is not JobType.DETECTION for job, _ in claims)
    size = runtime.container.settings.batch_size
    jobs = [job for job, _ in claims]
    analyses: list[Analysis] = []
    for cropped, choice, batch in _batches(images, choices, size):
        if isinstance(choice, ModelMismatchError):
            analyses += [choice] * len(batch)
            continue
        models = [one.id for one in choice]
        begin = time.monotonic()
        with patience(runtime.container.settings.batch_time_limit_s):
            analyses += runtime.pipeline.analyse(batch, embed=embed, cropped=cropped, models=models)
        runtime.batches.took(jobs, len(batch), time.monotonic() - begin)
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


def _batches(
    images: Sequence[tuple[Job, bytes]], choices: Mapping[UUID, Choice], size: int
) -> Iterator[tuple[bool, Choice, list[bytes]]]:
    """Cut images into batches, apart by model and by whether they show a scene or are cropped."""

    def kind(pair: tuple[Job, bytes]) -> tuple[bool, Choice]:
        job, _ = pair
        cropped = isinstance(job.parameters, ImageParameters) and job.parameters.cropped
        return cropped, choices[job.id]

    for (cropped, choice), run in groupby(images, key=kind):
        while batch := [image for _, image in islice(run, size)]:
            yield cropped, choice, batch


def _conclusions(
    jobs: Sequence[Job],
    choices: Mapping[UUID, Choice],
    analyses: Iterator[Analysis],
    runtime: InferenceRuntime,
) -> list[tuple[Job, Conclude]]:
    """Give every job its images' analyses; it is answered when it is completed."""
    return [
        (
            job,
            partial(
                answered,
                job=job,
                images=list(islice(analyses, job.progress.total)),
                model=_first(choices[job.id]),
                classifiers=runtime.classifiers,
                clock=runtime.container.clock,
            ),
        )
        for job in jobs
    ]


def _first(choice: Choice) -> ReadyModel | ModelMismatchError:
    return choice if isinstance(choice, ModelMismatchError) else choice[0]


def _complete(conclusions: Sequence[tuple[Job, Conclude]], runtime: InferenceRuntime) -> None:
    """End the jobs of a batch: those that only read together, each other by itself."""
    reading = [(job, conclude) for job, conclude in conclusions if job.type in _READING]
    alone = [(job, conclude) for job, conclude in conclusions if job.type not in _READING]
    desk = runtime.container.desk
    deadline = time.monotonic() + PATIENCE_S
    if reading:
        try:
            store(lambda: desk.complete_together(reading), deadline=deadline)
        except Exception:  # noqa: BLE001 - one of them is to blame, and is found by itself
            _LOG.warning("a batch is completed job by job", exc_info=True)
        else:
            reading = []
    for job, conclude in [*reading, *alone]:
        _complete_alone(job, conclude, runtime, deadline=deadline)


def _complete_alone(
    job: Job, conclude: Conclude, runtime: InferenceRuntime, *, deadline: float
) -> None:
    """End one job; a fault in it gives only this one back.

    One whose collection has changed its model meanwhile is run again at once.
    """
    container = runtime.container
    try:
        store(lambda: container.desk.complete(job, conclude), deadline=deadline)
    except ModelChangedError:
        excuse(job, container.desk)
        container.queue.put_job(job.id, job.type, lane=job.lane)
    except Exception as fault:  # noqa: BLE001 - the other jobs of the batch are not to blame
        retry(job, container.desk, fault=fault)
        _LOG.exception(
            "job not completed", extra={"action": "job_not_completed", "job_id": str(job.id)}
        )
