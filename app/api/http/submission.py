"""Submit a job and answer as the caller prefers."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, request

from app import observability
from app.api.http.operation import answer
from app.api.http.preferences import Preferences, idempotency_key
from app.api.http.rate_limit import rate_limit
from app.api.schemas.jobs import JobResource
from app.domain.job import PARAMETERS
from app.domain.job_request import JobRequest
from app.services.jobs.submit import Submission
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.api.schemas.base import Schema
    from app.api.schemas.jobs import WaitQuery
    from app.domain.collection import Collection
    from app.domain.job import Job, JobType

#: Seconds after which a look at an unfinished job is worth it.
RETRY_AFTER_S = 1


def submit(
    job_type: JobType,
    parameters: Schema,
    *,
    query: WaitQuery,
    images: Sequence[bytes] = (),
    collection: Collection | None = None,
) -> Response:
    """Store a job and answer 202 with it, or 200 where it ended while the caller waited."""
    container = current_container()
    preferences = Preferences.of_request(query, max_wait_s=container.settings.max_wait_s)
    submission = container.desk.submit(
        JobRequest(
            parameters=PARAMETERS[job_type](**parameters.model_dump(exclude_none=True)),
            owner_id=current_caller().require_owner_id(),
            collection_id=collection.id if collection else None,
            images=images,
            awaited=preferences.wait_s > 0,
        ),
        route=f"{request.method} {job_type}",
        idempotency_key=idempotency_key(),
    )
    job = submission.job
    observability.job_id.set(str(job.id))
    if preferences.wait_s > 0 and not job.state.is_terminal:
        job = container.desk.wait(job.id, timeout_s=preferences.wait_s) or job
    return _answer(replace(submission, job=job), preferences)


def answer_receipt(receipt: Job, *, query: WaitQuery) -> Response:
    """Answer with the receipt of an erasure: 202 as for any job, 200 to those who wait for it."""
    observability.job_id.set(str(receipt.id))
    preferences = Preferences.of_request(query, max_wait_s=current_container().settings.max_wait_s)
    return _answer(Submission(receipt, replayed=False), preferences)


def _answer(submission: Submission, preferences: Preferences) -> Response:
    job = submission.job
    done = preferences.wait_s > 0 and job.state.is_terminal
    headers = {"Location": f"/v1/jobs/{job.id}", "Vary": "Prefer"}
    applied = [name for name in preferences.applied if not (done and name == "respond-async")]
    if applied:
        headers["Preference-Applied"] = ", ".join(applied)
    if submission.quota is not None:
        headers |= rate_limit(submission.quota)
    if submission.replayed:
        headers["Idempotent-Replayed"] = "true"
    if not done:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer(show_job(job), HTTPStatus.OK if done else HTTPStatus.ACCEPTED, headers)


def show_job(job: Job) -> JobResource:
    """Return what a caller sees of a job."""
    return JobResource.of(job, problem_base=current_container().settings.base_url.rstrip("/"))
