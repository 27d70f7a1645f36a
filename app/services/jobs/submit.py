"""A submitted job, once for every Idempotency-Key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.errors import IdempotencyMismatchError

if TYPE_CHECKING:
    from app.domain.backlog import Quota
    from app.domain.job import Job
    from app.domain.job_request import JobRequest
    from app.services.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class Submission:
    """The stored job, and whether an earlier request with the same key had made it."""

    job: Job
    replayed: bool
    #: What the tenant may have waiting; none where nothing was added to it.
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class Once:
    """Repetitions of a request, recognised by the key that its caller chose for it."""

    request: JobRequest
    route: str
    #: None where the caller has chosen no key; every request is then a new one.
    key: str | None

    def remember(self, job: Job, work: UnitOfWork) -> Job | None:
        """Store the key with the job, or return the job that an earlier request with it has made.

        Raises: IdempotencyMismatchError: the key was used for another request.
        """
        if self.key is None:
            return None
        fingerprint = self.request.fingerprint()
        stored, first = work.idempotency.remember(
            owner_id=self.request.owner_id,
            route=self.route,
            key=self.key,
            fingerprint=fingerprint,
            job_id=job.id,
        )
        if stored != fingerprint:
            raise IdempotencyMismatchError
        return None if first == job.id else work.jobs.get(first)

    def earlier(self, work: UnitOfWork) -> Job | None:
        """Return the job that an earlier request with the key has made, or ``None``.

        Raises: IdempotencyMismatchError: the key was used for another request.
        """
        known = self.key and work.idempotency.find(
            owner_id=self.request.owner_id, route=self.route, key=self.key
        )
        if not known:
            return None
        fingerprint, job_id = known
        if fingerprint != self.request.fingerprint():
            raise IdempotencyMismatchError
        return work.jobs.get(job_id)
