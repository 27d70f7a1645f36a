"""Jobs: their rows, their messages and the bell that rings at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from app.domain.backlog import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Collection as Iterable
    from datetime import datetime, timedelta
    from uuid import UUID

    from app.domain.backlog import Backlog
    from app.domain.job import Ending, Job, JobState, JobType
    from app.domain.problem import Problem


class JobRepository(Protocol):
    """The job rows: the truth about every job."""

    def add(
        self,
        job: Job,
        *,
        images: Sequence[bytes],
        publish_at: datetime,
        earliest: int = 0,
        behind: int = 0,
    ) -> int:
        """Store a new queued job with its images, in order, and its audit record; return its turn.

        ``publish_at`` is when the sweep may put the job's message again. ``earliest`` and
        ``behind`` tell of the tenant's jobs that are being stored just now: see ``turns.Place``.
        Raises: NotFoundError: its collection was deleted.
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
        self,
        job_id: UUID | None,
        *,
        worker: str,
        lease: timedelta,
        companions: int,
        bulk: bool = False,
    ) -> list[tuple[Job, list[bytes]]]:
        """Take the job whose turn it is, and up to ``companions`` more, under a lease.

        Each claimed job comes with its images in order, runs, has a new attempt number, and knows
        the models of its collection. The turns are those of the tenants within a lane; interactive
        jobs go first, or, ``bulk``, have to wait. Companions are jobs of one image each, or
        interactive ones, and a job with more has none. A job that was tried before has no turn,
        since it may have killed its process: it is taken, alone, where ``job_id`` names it.
        Trainings and changes of model have none either.
        """

    def claim_named(
        self, job_id: UUID, *, worker: str, lease: timedelta
    ) -> tuple[Job, list[bytes]] | None:
        """Take this job and no other; ``None`` where it is not queued any more."""

    def extend(self, claims: Sequence[Job], lease: timedelta) -> set[UUID]:
        """Prolong the leases; return the ids of the jobs that are still held."""

    def report(self, claim: Job, done: int) -> None:
        """Set how many images are done, if the claim still holds."""

    def retry(self, claim: Job, *, publish_at: datetime, excused: bool = False) -> bool:
        """Queue a claimed job again; ``False`` when the claim was lost.

        The attempt counts, unless it is ``excused``.
        """

    def advance(self, claim: Job, *, done: int, publish_at: datetime) -> None:
        """Queue a claimed job again with a part of it done, if the claim still holds.

        The attempt does not count, and losses before it are forgotten: the job has moved on.
        """

    def postpone(self, job_id: UUID, *, publish_at: datetime) -> None:
        """Set when the sweep may put the message of a queued job again."""

    def lock(self, claim: Job) -> bool:
        """Lock a claimed job until the transaction ends; ``False`` when the claim was lost."""

    def finish(self, endings: Sequence[Ending], *, expires_at: datetime) -> tuple[list[Job], bool]:
        """End claimed jobs and delete their images but those kept; return the ended jobs.

        Kept are those that an ending names, and those of recognitions in a collection that keeps
        probes. No job expires after ``expires_at``, but earlier where its collection says so.
        Tells beside them whether there is an endpoint that may hear of one of them.

        The fence: of an ending nothing is written, and its job is not among those returned, unless
        the stored attempt is the claim's and the job still runs. The commit of the
        transaction notifies waiting clients.
        """

    def image_ids(self, job_id: UUID) -> list[UUID]:
        """Return the ids of a job's images in order."""

    def probe(self, job_id: UUID, number: int) -> bytes | None:
        """Return an image that an ended job has kept, or ``None``."""

    def drop_probes(self, collection_id: UUID) -> None:
        """Delete the images that ended jobs of a collection have kept."""

    def cancel(self, job_id: UUID, *, expires_at: datetime) -> bool:
        """End a queued or running job; ``False`` when it had ended before."""

    def requeue(self, job_id: UUID, *, publish_at: datetime) -> bool:
        """Start a dead job again with fresh counters; ``False`` when it is not dead."""

    def delete(self, job_id: UUID) -> None:
        """Remove a job with its result and images."""

    def delete_owned(self, owner_id: UUID) -> None:
        """Remove every job of an owner with its result and images; receipts stay."""

    def delete_ended(self, owner_id: UUID) -> None:
        """Remove the jobs of an owner that have ended, with their results; receipts stay."""

    def bury(self, job: Job, *, error: Problem, expires_at: datetime) -> bool:
        """End a job as dead, if it is as it was read; its images stay for a requeue."""

    def counts(self) -> dict[tuple[JobType, JobState], int]:
        """Return the number of jobs by type and state."""


class LateJobRepository(Protocol):
    """Job rows that something should have happened to by now.

    What finds ids reads nothing else of a row, and leaves out what is set aside; with ``only``,
    the rest looks at no other rows.
    """

    def lapsed(self, *, limit: int) -> list[UUID]:
        """Return running jobs whose lease has passed."""

    def overdue_ids(self, *, now: datetime, limit: int) -> list[UUID]:
        """Return queued jobs whose message seems lost."""

    def outwaited_ids(self, *, before: datetime, limit: int) -> list[UUID]:
        """Return jobs that have been queued since before a moment."""

    def expired(self, *, now: datetime, limit: int) -> list[UUID]:
        """Return finished jobs past their time."""

    def expire_leases(
        self,
        *,
        publish_at: datetime,
        max_losses: int,
        max_attempts: int,
        limit: int,
        excused_for: timedelta | None = None,
        only: Sequence[UUID] | None = None,
    ) -> tuple[list[UUID], list[Job]]:
        """Count a loss for every running job whose lease has passed.

        Where it passed ``excused_for`` ago or earlier, its attempt does not count, nor does a loss.
        Returns the ids of those queued again, and the jobs that have used up their chances, which
        still run and are to be buried.
        """

    def overdue(
        self,
        *,
        now: datetime,
        first_wait: timedelta,
        longest_wait: timedelta,
        limit: int,
        only: Sequence[UUID] | None = None,
    ) -> list[Job]:
        """Return queued jobs whose message seems lost, and set a later ``publish_at`` for each.

        The wait doubles with every call for a row, so that a long queue is not flooded with copies
        of its messages.
        """

    def outwaited(
        self, *, before: datetime, limit: int, only: Sequence[UUID] | None = None
    ) -> list[Job]:
        """Return, and lock, jobs that have been queued since before a moment, oldest first.

        A requeue is a new start.
        """

    def delete_expired(
        self, *, now: datetime, limit: int, only: Sequence[UUID] | None = None
    ) -> int:
        """Delete finished jobs past their time; return how many."""


class BacklogRepository(Protocol):
    """What waits for the workers."""

    def of_tenant(self, lane: Lane) -> Backlog:
        """Return what of the tenant's own jobs is queued."""

    def in_all(self, lane: Lane) -> Backlog:
        """Return what is queued, whosever it is."""


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

    def find(self, *, owner_id: UUID, route: str, key: str) -> tuple[bytes, UUID] | None:
        """Return the fingerprint and job id stored under a key, or ``None``."""

    def delete_before(self, moment: datetime) -> int:
        """Forget keys that were used before the moment; return how many."""


class JobQueue(Protocol):
    """The way to the workers. Messages carry ids and nothing else."""

    def put_job(
        self, job_id: UUID, job_type: JobType, *, lane: Lane = Lane.BULK, shared: bool = False
    ) -> bool:
        """Send the workers a message of a job; it waits only behind those of its lane.

        A ``shared`` job is one that a worker takes along whichever message it has: where many wait
        already, no other is put for it.
        ``False`` means that the broker is out of reach; the sweep will send it later.
        """

    def put_delivery(self, delivery_id: UUID) -> bool:
        """Send the sender a message of a delivery; returns as ``put_job``."""


class JobBell(Protocol):
    """Rings when a job ends, whichever process ended it."""

    def wait(self, job_id: UUID, timeout_s: float, *, ended: Callable[[], bool]) -> None:
        """Return when the job ends or the time is up.

        ``ended`` is asked once listening has begun, and now and then after, so that a ring before
        the first or during a lost connection is not missed.
        """
