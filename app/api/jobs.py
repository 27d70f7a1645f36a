from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask_restx import Namespace, Resource

from app import observability
from app.api.http.operation import answer, answer_nothing, operation
from app.api.http.pagination import answer_page, read_moment
from app.api.http.photographs import PHOTOGRAPH, answer_photograph
from app.api.http.submission import RETRY_AFTER_S, show_job
from app.api.schemas.jobs import JobListQuery, JobPage, JobResource, WaitQuery
from app.domain.access import Scope
from app.services.access.visibility import require_visible_job
from app.services.jobs.manage import (
    cancel_job,
    delete_job,
    get_job,
    get_probe,
    list_jobs,
    requeue_job,
)
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from flask import Response

    from app.domain.job import Job

ns = Namespace("jobs", "Stored requests and their outcomes.", path="/jobs")


@ns.route("")
class JobList(Resource):
    """All jobs."""

    @operation(ns, scope=Scope.READ, query=JobListQuery, answers={200: JobPage})
    def get(self, query: JobListQuery) -> Response:
        """List the key's own jobs, newest first; global admin keys see everyone's."""
        found = list_jobs(
            states=[query.state] if query.state else [],
            types=[query.type] if query.type else [],
            before=read_moment(query),
            limit=query.size + 1,
            caller=current_caller(),
            uow=current_container().uow,
        )
        return answer_page(
            JobPage,
            found,
            size=query.size,
            show=show_job,
            position=lambda job: [job.created_at, job.id],
        )


@ns.route("/<uuid:job_id>")
@ns.param("job_id", "Id of the job.")
class JobItem(Resource):
    """One job."""

    @operation(ns, scope=Scope.READ, query=WaitQuery, answers={200: JobResource}, problems=(404,))
    def get(self, job_id: UUID, query: WaitQuery) -> Response:
        """Show a job, at its end where the caller waits for it."""
        container, caller = current_container(), current_caller()
        observability.job_id.set(str(job_id))
        job = get_job(job_id, caller=caller, uow=container.uow)
        if query.wait and not job.state.is_terminal:
            wait_s = min(query.wait, container.settings.max_wait_s)
            job = require_visible_job(container.desk.wait(job_id, timeout_s=wait_s), caller)
        return _answer(job)

    @operation(ns, scope=Scope.READ, answers={204: None}, problems=(404, 409))
    def delete(self, job_id: UUID) -> Response:
        """Remove an ended job with its result and images before its time."""
        delete_job(job_id, caller=current_caller(), uow=current_container().uow)
        return answer_nothing()


@ns.route("/<uuid:job_id>/images/<int:number>")
@ns.param("job_id", "Id of the job.")
@ns.param("number", "Its place in the result's images, from 0.")
class JobImage(Resource):
    """A photograph that was asked about."""

    @operation(ns, scope=Scope.READ, answers={200: PHOTOGRAPH}, problems=(404,))
    def get(self, job_id: UUID, number: int) -> Response:
        """Return a photograph of an ended recognition whose collection keeps probes."""
        return answer_photograph(
            get_probe(job_id, number, caller=current_caller(), uow=current_container().uow)
        )


@ns.route("/<uuid:job_id>/cancel")
@ns.param("job_id", "Id of the job.")
class JobCancel(Resource):
    """The cancellation of a job."""

    @operation(ns, scope=Scope.READ, answers={200: JobResource}, problems=(404, 409))
    def post(self, job_id: UUID) -> Response:
        """Cancel a queued or running job."""
        return _answer(cancel_job(job_id, caller=current_caller(), desk=current_container().desk))


@ns.route("/<uuid:job_id>/requeue")
@ns.param("job_id", "Id of the job.")
class JobRequeue(Resource):
    """A new start of a dead job."""

    @operation(ns, scope=Scope.READ, answers={202: JobResource}, problems=(404, 409))
    def post(self, job_id: UUID) -> Response:
        """Start a dead job again with fresh counters."""
        job = requeue_job(job_id, caller=current_caller(), desk=current_container().desk)
        return _answer(job, 202)


def _answer(job: Job, status: int = 200) -> Response:
    headers = {} if job.state.is_terminal else {"Retry-After": str(RETRY_AFTER_S)}
    if status != 200:  # noqa: PLR2004
        headers["Location"] = f"/v1/jobs/{job.id}"
    return answer(show_job(job), status, headers)
