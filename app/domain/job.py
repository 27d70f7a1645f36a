"""A stored request, and the rules of its life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from app.domain.backlog import Lane
from app.domain.job_parameters import (
    DetectionParameters,
    EmbeddingParameters,
    EnrolmentParameters,
    ErasureParameters,
    ImageParameters,
    RecognitionParameters,
    ReembeddingParameters,
    TrainingParameters,
    VerificationParameters,
)
from app.domain.job_results import (
    ComparisonResult,
    DetectionResult,
    EmbeddingResult,
    EnrolmentResult,
    ErasureReceipt,
    RankingResult,
    RecognitionResult,
    ReembeddingResult,
    SettlingResult,
    TrainingResult,
    VerificationResult,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domain.job_parameters import JobParameters
    from app.domain.job_results import JobResult
    from app.domain.problem import Problem


class JobType(StrEnum):
    """What a job asks for."""

    DETECTION = "detection"
    EMBEDDING = "embedding"
    VERIFICATION = "verification"
    RECOGNITION = "recognition"
    ENROLMENT = "enrolment"
    TRAINING = "training"
    REEMBEDDING = "reembedding"
    #: A receipt: made when something was erased, and never run.
    ERASURE = "erasure"

    @property
    def is_on_images(self) -> bool:
        """Whether a job brings the images that it works on."""
        return issubclass(PARAMETERS[self], ImageParameters)


#: What a job of each type is asked for.
PARAMETERS: Mapping[JobType, type[JobParameters]] = {
    JobType.DETECTION: DetectionParameters,
    JobType.EMBEDDING: EmbeddingParameters,
    JobType.VERIFICATION: VerificationParameters,
    JobType.RECOGNITION: RecognitionParameters,
    JobType.ENROLMENT: EnrolmentParameters,
    JobType.TRAINING: TrainingParameters,
    JobType.REEMBEDDING: ReembeddingParameters,
    JobType.ERASURE: ErasureParameters,
}

#: What it answers: one of these, which are told apart by their keys.
RESULTS: Mapping[JobType, tuple[type[JobResult], ...]] = {
    JobType.DETECTION: (DetectionResult,),
    JobType.EMBEDDING: (EmbeddingResult,),
    JobType.VERIFICATION: (VerificationResult, ComparisonResult),
    JobType.RECOGNITION: (RecognitionResult, RankingResult),
    JobType.ENROLMENT: (EnrolmentResult,),
    JobType.TRAINING: (TrainingResult,),
    JobType.REEMBEDDING: (ReembeddingResult, SettlingResult),
    JobType.ERASURE: (ErasureReceipt,),
}

_TYPES = {parameters: job_type for job_type, parameters in PARAMETERS.items()}


def type_of(parameters: JobParameters) -> JobType:
    """Return the type of the jobs that are asked for with such parameters."""
    return _TYPES[type(parameters)]


class JobState(StrEnum):
    """Where a job stands."""

    #: Stored and waiting for a worker.
    QUEUED = "queued"
    #: Held by a worker under a lease.
    RUNNING = "running"
    #: Finished with a result.
    SUCCEEDED = "succeeded"
    #: Finished with an error that trying again would not change.
    FAILED = "failed"
    #: Given up by its owner.
    CANCELLED = "cancelled"
    #: Given up by the service after too many attempts; its owner may requeue it.
    DEAD = "dead"

    @property
    def is_terminal(self) -> bool:
        """Whether the job has come to its end."""
        return not TRANSITIONS[self] or self is JobState.DEAD


#: Every legal change of state. ``dead`` is left only by a requeue, which is a new start by request.
TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.DEAD}),
    JobState.RUNNING: frozenset(
        {
            JobState.QUEUED,
            JobState.SUCCEEDED,
            JobState.FAILED,
            JobState.CANCELLED,
            JobState.DEAD,
        }
    ),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
    JobState.DEAD: frozenset({JobState.QUEUED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many of a job's images are done."""

    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One stored request and, once finished, its outcome."""

    id: UUID
    #: What it is asked for; never images, which are rows of their own.
    parameters: JobParameters
    state: JobState
    #: Whose it is; known once the job is stored.
    tenant_id: UUID | None = None
    #: The API key that submitted the job: only it and global keys may see the job.
    owner_id: UUID | None = None
    collection_id: UUID | None = None
    #: The models that its collection had when it was claimed, the one in use first.
    models: tuple[str, ...] = ()
    lane: Lane = Lane.BULK
    progress: Progress = Progress()
    #: The number of claims so far. It is also the fencing token: a worker may commit only while
    #: the stored attempt is the one that it claimed.
    attempt: int = 0
    #: How many of those attempts ended with a lost process.
    losses: int = 0
    #: How many attempts do not count: those before a requeue, and those that are
    #: excused, as their worker had to stop. The number of attempts itself must
    #: never fall: it is the fence.
    excused: int = 0
    result: JobResult | None = None
    #: For ``failed`` and ``dead``.
    error: Problem | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    #: When the row, its result and its images are deleted.
    expires_at: datetime | None = None

    @property
    def type(self) -> JobType:
        """What it asks for, as its parameters tell."""
        return type_of(self.parameters)

    @property
    def tries(self) -> int:
        """How many attempts count."""
        return self.attempt - self.excused

    @property
    def is_shared(self) -> bool:
        """Whether a worker takes it along whichever message it has, and not by its own alone."""
        return self.type.is_on_images and self.progress.total == 1 and self.attempt == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What a worker has to say of the job that it claimed."""

    #: The job as it was claimed: its attempt fences the ending.
    claim: Job
    #: ``succeeded`` with a result, or ``failed`` with an error.
    state: JobState
    result: JobResult | None = None
    error: Problem | None = None
    #: Images that faces refer to; the others are deleted with the end of the job.
    keep_images: tuple[UUID, ...] = ()
