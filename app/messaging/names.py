"""Queues and tasks by the names that both sides of the broker use."""

from __future__ import annotations

from enum import StrEnum

from app.domain.backlog import Lane
from app.domain.job import JobType


class QueueName(StrEnum):
    """A lane with workers of its own."""

    #: What needs the models and is waited for.
    INTERACTIVE = "interactive"
    #: Everything else that needs the models.
    INFERENCE = "inference"
    #: Trainings, which take minutes and have no waiting caller.
    TRAINING = "training"
    #: Sweeps, which find what was lost.
    IO = "io"
    #: Webhooks, which wait for other people's servers.
    WEBHOOKS = "webhooks"


class TaskName(StrEnum):
    """What a message asks for; names are no module paths, so files may move."""

    #: Jobs on images; which of them a message is for, its label tells.
    RUN = "recognition.run"
    RETRAIN = "recognition.retrain"
    REEMBED = "recognition.reembed"
    DELIVER = "webhooks.deliver"
    SWEEP = "jobs.sweep"
    SEAL = "audit.seal"
    SCRUB = "erasures.scrub"
    PULSE = "service.pulse"


#: The names of ``TaskName.RUN`` in release 0.1: its messages may wait while a service is updated.
#: Workers take them until the release after the next.
FORMER_RUN_NAMES = (
    "recognition.detect",
    "recognition.embed",
    "recognition.verify",
    "recognition.identify",
    "recognition.enrol",
)

#: The task that runs each type of job; a receipt is none that is run.
JOB_TASKS: dict[JobType, TaskName] = {
    **{job_type: TaskName.RUN for job_type in JobType if job_type.is_on_images},
    JobType.TRAINING: TaskName.RETRAIN,
    JobType.REEMBEDDING: TaskName.REEMBED,
}


def label_of(job_type: JobType) -> str:
    """Return what logs and monitors call the task of a job, as one task runs jobs of many types."""
    return f"recognition.{job_type}"


#: What an inference worker is asked beside the queues: how many of its processes have their models.
MODELS_LOADED = "models_loaded"

#: The queue of each lane, trainings apart; a worker takes from one and the other in turn.
LANE_QUEUES: dict[Lane, QueueName] = {
    Lane.INTERACTIVE: QueueName.INTERACTIVE,
    Lane.BULK: QueueName.INFERENCE,
}
