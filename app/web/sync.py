"""Synchronous calls on top of jobs, for APIs of other systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import observability
from app.web.context import current_container

if TYPE_CHECKING:
    from app.domain.job import Job
    from app.domain.job_request import JobRequest


def submit_and_wait(request: JobRequest, *, route: str, timeout_s: float) -> Job | None:
    """Submit a job and return it as soon as it has ended, or as it is when the time is up.

    ``route`` names the caller's API and the call. ``None`` means that the job was erased meanwhile,
    with whom or what it is about. Raises: as ``JobDesk.submit``.
    """
    desk = current_container().desk
    submitted = desk.submit(request, route=route).job
    observability.job_id.set(str(submitted.id))
    return desk.wait(submitted.id, timeout_s=timeout_s)
