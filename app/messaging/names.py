"""Queues and tasks by the names that both sides of the broker use."""

from __future__ import annotations

from enum import StrEnum

from app.domain.job import JobType, Lane


class QueueName(StrEnum):
    """A lane with workers of its own."""

    #: What needs the models and is waited for.
    INTERACTIVE = "interactive"
    #: Everything else that needs the models.
    INFERENCE = "inference"
    #: Trainings, which take minutes and are waited for by nobody.
    TRAINING = "training"
    #: Sweeps, which look after everything else and wait for nobody.
    IO = "io"
    #: Webhooks, which wait for other people's servers.
    WEBHOOKS = "webhooks"


class TaskName(StrEnum):
    """What a message asks for; names are no module paths, so files may move."""

    DETECT = "recognition.detect"
    EMBED = "recognition.embed"
    VERIFY = "recognition.verify"
    IDENTIFY = "recognition.identify"
    ENROL = "recognition.enrol"
    RETRAIN = "recognition.retrain"
    REEMBED = "recognition.reembed"
    DELIVER = "webhooks.deliver"
    SWEEP = "jobs.sweep"
    SCRUB = "erasures.scrub"
    PULSE = "service.pulse"


#: The task that runs each type of job; a receipt is none that is run.
JOB_TASKS: dict[JobType, TaskName] = {
    JobType.DETECTION: TaskName.DETECT,
    JobType.EMBEDDING: TaskName.EMBED,
    JobType.VERIFICATION: TaskName.VERIFY,
    JobType.RECOGNITION: TaskName.IDENTIFY,
    JobType.ENROLMENT: TaskName.ENROL,
    JobType.TRAINING: TaskName.RETRAIN,
    JobType.REEMBEDDING: TaskName.REEMBED,
}

#: What an inference worker is asked beside the queues: how many of its processes have their models.
MODELS_LOADED = "models_loaded"

#: The queue of each lane, trainings apart; a worker takes from one and the other in turn.
LANE_QUEUES: dict[Lane, QueueName] = {
    Lane.INTERACTIVE: QueueName.INTERACTIVE,
    Lane.BULK: QueueName.INFERENCE,
}
