"""What the services need of the outside; adapters live in storage, messaging and webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Collection as Iterable
    from datetime import datetime, timedelta
    from types import TracebackType
    from uuid import UUID

    from app.domain.access import ApiKey
    from app.domain.collection import Collection, Face, Subject
    from app.domain.delivery import Attempt, Delivery, DeliveryState, Endpoint, EventType
    from app.domain.detection import AnalysedFace
    from app.domain.embedding import Embedding
    from app.domain.job import Ending, Job, JobState, JobType
    from app.domain.matching import Candidate
    from app.domain.training import Training


class JobRepository(Protocol):
    """The job rows: the truth about every job."""

    def add(self, job: Job, *, images: Sequence[bytes], publish_at: datetime) -> None:
        """Store a new queued job with its images, in order.

        ``publish_at`` is when the sweep may put the job's message again.
        """

    def get(self, job_id: UUID) -> Job | None:
        """Return the job, or ``None``."""

    def page(
        self,
        *,
        owner_id: UUID | None,
        states: Iterable[JobState],
        types: Iterable[JobType],
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[Job]:
        """Return jobs, newest first; empty filters and a missing owner admit everything."""

    def claim(
        self, job_id: UUID | None, *, worker: str, lease: timedelta, companions: int
    ) -> list[tuple[Job, list[bytes]]]:
        """Take a queued job, and with it up to ``companions`` more, under a lease.

        Each claimed job comes with its images in order, runs, and has a new attempt number.
        Companions are the oldest queued jobs of one image each that were never tried before, so
        that a job that kills its process is always tried alone. They are taken as well when the job
        itself is not queued any more, or none is named.
        """

    def extend(self, claims: Sequence[Job], lease: timedelta) -> set[UUID]:
        """Prolong the leases; return the ids of the jobs that are still held."""

    def report(self, claim: Job, done: int) -> None:
        """Set how many images are done, if the claim still holds."""

    def release(self, claim: Job, *, publish_at: datetime) -> bool:
        """Put a claimed job back among the queued; ``False`` when the claim was lost."""

    def hold(self, claim: Job) -> bool:
        """Lock a claimed job until the transaction ends; ``False`` when the claim was lost."""

    def finish(self, endings: Sequence[Ending], *, expires_at: datetime) -> list[Job]:
        """End claimed jobs and delete their images but those kept; return the ended jobs.

        The fence: of an ending nothing is written, and its job is not among those returned, unless
        the stored attempt is the claim's and the job still runs. Waiting clients are told when the
        transaction commits.
        """

    def image_ids(self, job_id: UUID) -> list[UUID]:
        """Return the ids of a job's images in order."""

    def cancel(self, job_id: UUID, *, expires_at: datetime) -> bool:
        """End a queued or running job; ``False`` when it had ended before."""

    def requeue(self, job_id: UUID, *, publish_at: datetime) -> bool:
        """Start a dead job again with fresh counters; ``False`` when it is not dead."""

    def delete(self, job_id: UUID) -> None:
        """Remove a job with its result and images."""

    def expire_leases(
        self, *, publish_at: datetime, max_losses: int, max_attempts: int, limit: int
    ) -> tuple[list[UUID], list[Job]]:
        """Count a loss for every running job whose lease has passed.

        Returns the ids of those queued again, and the jobs that have used up their chances, which
        still run and are to be buried.
        """

    def bury(self, job: Job, *, error: Mapping[str, object], expires_at: datetime) -> bool:
        """End an abandoned job as dead; its images stay for a requeue."""

    def overdue(
        self, *, now: datetime, first_wait: timedelta, longest_wait: timedelta, limit: int
    ) -> list[Job]:
        """Return queued jobs whose message seems lost, and set a later ``publish_at`` for each.

        The wait doubles with every call for a row, so that a long queue is not flooded with copies
        of its messages.
        """

    def delete_expired(self, *, now: datetime, limit: int) -> int:
        """Delete finished jobs past their time; return how many."""

    def counts(self) -> dict[tuple[JobType, JobState], int]:
        """Return the number of jobs by type and state."""


class CollectionRepository(Protocol):
    """Collections and the subjects in them."""

    def add(self, collection: Collection) -> None:
        """Store a collection. Raises: ConflictError: the name is taken."""

    def get(self, collection_id: UUID) -> Collection | None:
        """Return the collection, or ``None``."""

    def find(self, name: str) -> Collection | None:
        """Return the collection of that name, or ``None``."""

    def page(self, *, after: str | None, only: UUID | None, limit: int) -> list[Collection]:
        """Return collections by name, after the given one."""

    def update(self, collection: Collection) -> None:
        """Store changed settings. Raises: ConflictError: the new name is taken."""

    def delete(self, collection_id: UUID) -> None:
        """Remove a collection and everything in it."""

    def models(self) -> set[str]:
        """Return the ids of the models that collections were made with."""


class SubjectRepository(Protocol):
    """The people known to a collection."""

    def ensure(self, collection_id: UUID, name: str) -> Subject:
        """Return the subject of that name, made if need be."""

    def get(self, subject_id: UUID) -> Subject | None:
        """Return the subject, or ``None``."""

    def find(self, collection_id: UUID, name: str) -> Subject | None:
        """Return the subject of that name, or ``None``."""

    def page(self, collection_id: UUID, *, after: str | None, limit: int) -> list[Subject]:
        """Return subjects by name, after the given one, with their numbers of faces."""

    def rename(self, subject_id: UUID, name: str) -> None:
        """Give a subject another name. Raises: ConflictError: it is taken."""

    def delete(self, subject_id: UUID) -> None:
        """Remove a subject with its faces and their images."""


class FaceRepository(Protocol):
    """Enrolled faces and the search over them."""

    def add(
        self,
        *,
        collection_id: UUID,
        subject_id: UUID | None,
        job_id: UUID,
        image_number: int,
        image_id: UUID | None,
        face: AnalysedFace,
        expires_at: datetime | None,
    ) -> UUID:
        """Store an enrolled face; the pair of job and image number is unique."""

    def get(self, face_id: UUID) -> Face | None:
        """Return the face, or ``None``."""

    def image(self, face_id: UUID) -> bytes | None:
        """Return the kept photograph of a face, or ``None``."""

    def page(
        self,
        collection_id: UUID,
        *,
        subject_id: UUID | None,
        after: UUID | None,
        limit: int,
    ) -> list[Face]:
        """Return faces by id, after the given one, without their embeddings."""

    def delete(self, face_id: UUID) -> None:
        """Remove a face and the photograph that only it uses."""

    def nearest_subjects(
        self, probe: Embedding, collection_id: UUID, *, limit: int
    ) -> list[Candidate]:
        """Return the subjects most similar to the probe, best first, each by its nearest face.

        Only embeddings of the probe's own model are searched.
        """

    def labelled(self, collection_id: UUID, model: str) -> list[tuple[UUID, Sequence[float]]]:
        """Return ``(subject id, vector)`` of every face with a subject."""

    def delete_expired(self, *, now: datetime, limit: int) -> int:
        """Delete faces past their collection's retention; return how many."""


class TrainingRepository(Protocol):
    """The versions of a collection's trained matcher."""

    def add(self, training: Training) -> None:
        """Store a version, which is thereby the one in use."""

    def next_version(self, collection_id: UUID) -> int:
        """Return the number of the version to come."""

    def active_id(self, collection_id: UUID, model: str) -> UUID | None:
        """Return the id of the version in use, or ``None``."""

    def get(self, training_id: UUID) -> Training | None:
        """Return a version with its weights, or ``None``."""

    def page(self, collection_id: UUID, *, limit: int) -> list[Training]:
        """Return versions, newest first, without their weights."""


class KeyRepository(Protocol):
    """API keys."""

    def add(self, key: ApiKey) -> None:
        """Store a key."""

    def find(self, public_id: str) -> ApiKey | None:
        """Return the key with that public part, or ``None``."""

    def get(self, key_id: UUID) -> ApiKey | None:
        """Return the key, or ``None``."""

    def all(self) -> list[ApiKey]:
        """Return every key, oldest first."""

    def revoke(self, key_id: UUID, at: datetime) -> None:
        """Close a key for good."""


class EndpointRepository(Protocol):
    """Registered webhook URLs."""

    def add(self, endpoint: Endpoint) -> None:
        """Store an endpoint."""

    def get(self, endpoint_id: UUID) -> Endpoint | None:
        """Return the endpoint, or ``None``."""

    def lock(self, endpoint_id: UUID) -> Endpoint | None:
        """Return the endpoint, held against changes by others until the transaction ends."""

    def page(self, *, owner_id: UUID | None, after: UUID | None, limit: int) -> list[Endpoint]:
        """Return endpoints by id; a missing owner admits all."""

    def update(self, endpoint: Endpoint) -> None:
        """Store a changed endpoint."""

    def delete(self, endpoint_id: UUID) -> None:
        """Remove an endpoint with its deliveries."""

    def subscribed(self, event: EventType, owner_id: UUID | None) -> list[Endpoint]:
        """Return the enabled endpoints that hear of this event of that key's jobs."""


class DeliveryRepository(Protocol):
    """What was and will be sent to endpoints."""

    def add(self, delivery: Delivery) -> None:
        """Store a pending delivery."""

    def get(self, delivery_id: UUID) -> Delivery | None:
        """Return the delivery, or ``None``."""

    def page(
        self,
        endpoint_id: UUID,
        *,
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[Delivery]:
        """Return deliveries, newest first."""

    def attempts(self, delivery_id: UUID) -> list[Attempt]:
        """Return the attempts of a delivery in order."""

    def claim(self, delivery_id: UUID, *, now: datetime, lease: timedelta) -> Delivery | None:
        """Take a pending delivery that is due, with a new attempt number, or return ``None``.

        ``next_attempt_at`` becomes the end of the lease, so that the delivery of a lost sender is
        due again.
        """

    def record(
        self,
        attempt: Attempt,
        *,
        state: DeliveryState,
        next_attempt_at: datetime | None,
    ) -> bool:
        """Log an attempt and set what follows; ``False`` when a later claim took over.

        A delivery that becomes delivered gets the attempt's time as ``delivered_at``.
        """

    def due(self, *, now: datetime, limit: int) -> list[UUID]:
        """Return the ids of pending deliveries whose time has come."""

    def redeliver(self, delivery_id: UUID, *, now: datetime) -> None:
        """Make a delivery pending and due, with its whole schedule before it.

        ``attempt`` goes on counting and ``schedule_start`` is set to it, so that the numbers of the
        attempts stay unique.
        """


class IdempotencyRepository(Protocol):
    """Which request was made under which Idempotency-Key."""

    def remember(
        self,
        *,
        owner_id: UUID,
        route: str,
        key: str,
        fingerprint: bytes,
        job_id: UUID,
    ) -> tuple[bytes, UUID]:
        """Store the key unless it is known; return the stored fingerprint and job id.

        A concurrent request with the same key waits until the first one commits.
        """

    def delete_before(self, moment: datetime) -> int:
        """Forget keys that were used before the moment; return how many."""


class UnitOfWork(Protocol):
    """One transaction over all repositories; leaving it without a commit rolls back."""

    @property
    def jobs(self) -> JobRepository: ...

    @property
    def collections(self) -> CollectionRepository: ...

    @property
    def subjects(self) -> SubjectRepository: ...

    @property
    def faces(self) -> FaceRepository: ...

    @property
    def trainings(self) -> TrainingRepository: ...

    @property
    def keys(self) -> KeyRepository: ...

    @property
    def endpoints(self) -> EndpointRepository: ...

    @property
    def deliveries(self) -> DeliveryRepository: ...

    @property
    def idempotency(self) -> IdempotencyRepository: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def commit(self) -> None:
        """Make everything done so far durable."""


UnitOfWorkFactory: TypeAlias = "Callable[[], UnitOfWork]"


class JobQueue(Protocol):
    """The way to the workers. Messages carry ids and nothing else."""

    def put_job(self, job_id: UUID, job_type: JobType, *, shared: bool = False) -> bool:
        """Tell the workers of a job.

        A ``shared`` job is one that a worker takes along whichever message it has (see
        :meth:`JobRepository.claim`): where many wait already, no other is put for it.
        ``False`` means that the broker is out of reach; the sweep will tell them later.
        """

    def put_delivery(self, delivery_id: UUID) -> bool:
        """Tell the sender of a delivery; the answer is that of ``put_job``."""


class JobBell(Protocol):
    """Rings when a job ends, whichever process ended it."""

    def wait(self, job_id: UUID, timeout_s: float, *, ended: Callable[[], bool]) -> None:
        """Return when the job ends or the time is up.

        ``ended`` is asked once listening has begun, and now and then after, so that a ring before
        the first or during a lost connection is not missed.
        """


class WebhookSender(Protocol):
    """Carries signed events to endpoints."""

    def check(self, url: str) -> None:
        """Refuse a URL that may not be sent to. Raises: InvalidRequestError."""

    def send(self, endpoint: Endpoint, delivery: Delivery, *, at: datetime) -> Attempt:
        """Make one attempt; every failure of the other side is told in the attempt."""


class SubjectClassifier(Protocol):
    """A trained matcher, ready to be asked."""

    #: The share from which the first choice is taken for a match.
    threshold: float

    def probabilities(self, probe: Embedding) -> Mapping[UUID, float]:
        """Return each trained subject's share of the probe; the shares add up to 1."""


class Classifiers(Protocol):
    """Trained matchers by the id of their training."""

    def get(self, work: UnitOfWork, training_id: UUID) -> SubjectClassifier | None:
        """Return the matcher, or ``None`` when the training is gone."""


class Clock(Protocol):
    """Tells the time, so that tests can set it."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
