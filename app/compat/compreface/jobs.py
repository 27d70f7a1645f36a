"""Synchronous calls on top of jobs: submit, wait a while, and read the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from flask import request

from app.compat.compreface.context import current_service, service_not_found
from app.compat.compreface.errors import CompreFaceError, changed_meanwhile, of_problem, too_late
from app.compat.compreface.usecases.applications import get_service
from app.domain.errors import NotFoundError
from app.domain.job import JobState
from app.domain.job_request import JobRequest
from app.web.context import current_caller, current_container
from app.web.sync import submit_and_wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.compreface import Service
    from app.domain.job import Job
    from app.domain.job_parameters import JobParameters
    from app.domain.job_results import JobResult


R = TypeVar("R", bound="JobResult")


def run_job(parameters: JobParameters, images: Sequence[bytes], answer: type[R]) -> tuple[R, Job]:
    """Return what a job answers when it has succeeded, and the job.

    Raises: CompreFaceError: it has failed, or goes on after the time that a caller waits.
    """
    service = current_service()
    asked = JobRequest(
        parameters=parameters,
        owner_id=current_caller().require_owner_id(),
        collection_id=service.collection_id,
        images=images,
        awaited=True,
    )
    job = submit_and_wait(
        asked,
        route=f"compreface {asked.type}",
        timeout_s=current_container().settings.compreface_wait_s,
    )
    if job is None:
        raise _deleted(service)
    if not job.state.is_terminal:
        raise too_late(f"/v1/jobs/{job.id}")
    if job.state is not JobState.SUCCEEDED or not isinstance(job.result, answer):
        raise of_problem(job.error)
    return job.result, job


def _deleted(service: Service) -> CompreFaceError:
    """Return the error for a job that went with its service, or with people it may name."""
    try:
        get_service(service.id, uow=current_container().uow)
    except NotFoundError:
        return service_not_found(service.type, request.headers["x-api-key"])
    return changed_meanwhile()
