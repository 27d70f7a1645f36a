"""The way of a job, from its submission to its end, each step of it in a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.errors import QueueFullError, TooMuchWaitingError, VultusError
from app.domain.identity import new_id
from app.domain.job import Job, JobState, Progress
from app.domain.job_parameters import EnrolmentParameters
from app.services.jobs.complete import concluded, failed, succeeded
from app.services.jobs.dead import attempts_exhausted, end_as_dead
from app.services.jobs.submit import Once, Submission
from app.services.jobs.wait import wait_for_job
from app.services.people.consent_rules import require_early
from app.services.webhooks.deliver import enqueue_events

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from app.domain.job import Ending
    from app.domain.job_request import JobRequest
    from app.services.jobs.admission import Admission
    from app.services.jobs.complete import Conclude
    from app.services.jobs.rules import JobRules
    from app.services.ports import Clock, JobBell, JobQueue, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDesk:
    """Where jobs are submitted, claimed, ended, and given to another worker.

    A claim is the job as it was claimed. A worker that has lost it, because its lease has passed or
    the job was cancelled or erased, changes nothing with it.
    """

    rules: JobRules
    uow: UnitOfWorkFactory
    queue: JobQueue
    clock: Clock
    bell: JobBell
    #: Whether a job may join those that wait.
    admission: Admission

    def submit(
        self, request: JobRequest, *, route: str, idempotency_key: str | None = None
    ) -> Submission:
        """Store a job durably and put its message.

        The job is safe once this returns, also when the broker is down: the sweep puts messages
        that are missing. With an idempotency key, a repetition returns the first job and stores
        nothing, also where no other job is admitted.
        Raises: IdempotencyMismatchError: the key was used for another request. NotFoundError: the
        collection was deleted meanwhile. ConsentRequiredError: faces would be enrolled without one.
        TooMuchWaitingError, QueueFullError: see ``admission``.
        """
        once = Once(request, route, idempotency_key)
        job = self._new(request)
        with self.uow() as work:
            try:
                with self.admission.enter(job, work=work, clock=self.clock) as entry:
                    turn = work.jobs.add(
                        job,
                        images=request.images,
                        publish_at=job.created_at + self.rules.republish_after,
                        earliest=entry.place.earliest,
                        behind=entry.place.behind,
                    )
                    earlier = once.remember(job, work)
                    if earlier is not None:
                        return Submission(earlier, replayed=True)
                    self._require_consent(request, work, now=job.created_at)
                    work.commit()
                    entry.place.turn = turn
            except (TooMuchWaitingError, QueueFullError):
                earlier = once.earlier(work)
                if earlier is None:
                    raise
                return Submission(earlier, replayed=True)
        self.put(job)
        return Submission(job, replayed=False, quota=entry.quota)

    def put(self, job: Job) -> None:
        """Tell the workers of a stored job; where the broker is away, the sweep does so later."""
        self.queue.put_job(job.id, job.type, lane=job.lane, shared=job.is_shared)

    def wait(self, job_id: UUID, *, timeout_s: float) -> Job | None:
        """Return a job as soon as it has ended, or as it is when the time is up.

        ``None`` means that there is no such job. No connection to the database is held meanwhile.
        """
        return wait_for_job(job_id, timeout_s=timeout_s, uow=self.uow, bell=self.bell)

    def claim(
        self,
        job_id: UUID | None,
        *,
        worker: str,
        lease: timedelta,
        companions: int,
        bulk: bool,
    ) -> list[tuple[Job, list[bytes]]]:
        """Take the jobs on images whose turn it is, each with its images.

        See :meth:`app.services.ports.JobRepository.claim`.
        """
        with self.uow() as work:
            claims = work.jobs.claim(
                job_id, worker=worker, lease=lease, companions=companions, bulk=bulk
            )
            work.commit()
        return claims

    def claim_named(self, job_id: UUID, *, worker: str, lease: timedelta) -> Job | None:
        """Take this job, which has no images, and no other; ``None`` where it is not queued."""
        with self.uow() as work:
            found = work.jobs.claim_named(job_id, worker=worker, lease=lease)
            work.commit()
        return None if found is None else found[0]

    def complete(self, claim: Job, conclude: Conclude) -> bool:
        """Write a job's effects, result and webhook deliveries in one transaction, then put those.

        Returns ``False``, and writes nothing, if the claim is lost. A VultusError of
        ``conclude`` that is not retryable is the job's outcome; a retryable one is raised on.
        """
        try:
            with self.uow() as work:
                if claim.collection_id is not None:
                    work.collections.lock(claim.collection_id)  # before its jobs, like its deletion
                if not work.jobs.lock(claim):
                    return False
                deliveries = self._end(work, [succeeded(claim, conclude(work))])
        except VultusError as error:
            if error.retryable:
                raise
            return self.fail(claim, error)
        return self._announce(deliveries)

    def complete_together(self, conclusions: Sequence[tuple[Job, Conclude]]) -> None:
        """End several jobs whose conclusions only read, in one transaction.

        Each is fenced by itself: a lost claim loses one result. Nothing at all is written when
        anything is raised; the jobs can then still be completed one by one.
        """
        with self.uow() as work:
            endings = [concluded(work, claim, conclude) for claim, conclude in conclusions]
            deliveries = self._end(work, endings)
        self._announce(deliveries)

    def fail(self, claim: Job, error: VultusError) -> bool:
        """End a claimed job with an error, its outcome; ``False`` when the claim was lost."""
        with self.uow() as work:
            deliveries = self._end(work, [failed(claim, error)])
        return self._announce(deliveries)

    def retry(self, claim: Job, *, fault: BaseException) -> None:
        """Queue a claimed job again after a fault that may pass; after too many, end it as dead.

        The attempt counts, and each wait is twice the one before.
        """
        with self.uow() as work:
            if claim.tries >= self.rules.max_attempts:
                reason = attempts_exhausted(claim, fault)
                end_as_dead(work, claim, reason, expires_at=self._expires_at())
            else:
                wait = timedelta(seconds=2**claim.tries)
                work.jobs.retry(claim, publish_at=self.clock.now() + wait)
            work.commit()

    def excuse(self, claim: Job) -> None:
        """Queue a claimed job again at once: the attempt does not count, as it is not to blame."""
        with self.uow() as work:
            work.jobs.retry(claim, publish_at=self.clock.now(), excused=True)
            work.commit()

    def cancel(self, job_id: UUID) -> bool:
        """End a job that has not ended; ``False`` when it had."""
        with self.uow() as work:
            if not work.jobs.cancel(job_id, expires_at=self._expires_at()):
                return False
            job = work.jobs.get(job_id)
            deliveries = [] if job is None else enqueue_events(work, [job])
            work.audit.record(Action.CANCEL_JOB, job_id)
            work.commit()
        return self._announce(deliveries)

    def _require_consent(self, request: JobRequest, work: UnitOfWork, *, now: datetime) -> None:
        if isinstance(request.parameters, EnrolmentParameters):
            require_early(work, request.collection_id, request.parameters, now=now)

    def _new(self, request: JobRequest) -> Job:
        return Job(
            id=new_id(),
            parameters=request.parameters,
            state=JobState.QUEUED,
            owner_id=request.owner_id,
            collection_id=request.collection_id,
            lane=request.lane,
            progress=Progress(total=len(request.images)),
            created_at=self.clock.now(),
        )

    def _end(self, work: UnitOfWork, endings: Sequence[Ending]) -> list[UUID] | None:
        """Finish the jobs and commit; return the deliveries made, or ``None`` if no claim held."""
        ended, heard = work.jobs.finish(endings, expires_at=self._expires_at())
        if not ended:
            return None
        deliveries = enqueue_events(work, ended) if heard else []
        work.commit()
        return deliveries

    def _expires_at(self) -> datetime:
        return self.clock.now() + self.rules.retention

    def _announce(self, deliveries: list[UUID] | None) -> bool:
        if deliveries is None:
            return False
        for delivery_id in deliveries:
            self.queue.put_delivery(delivery_id)
        return True
