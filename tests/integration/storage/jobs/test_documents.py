"""A job comes back from its row as it went in, whichever version wrote the row."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from app.domain.documents import to_document
from app.domain.job import RESULTS, Ending, JobState, JobType
from tests.made_results import RESULT_OF, UNUSABLE
from tests.made_results import RESULTS as MADE
from tests.stored_jobs import NOW, claim_jobs, submit

ON_IMAGES = sorted(kind for kind in JobType if kind.is_on_images)


def _get(uow, job):
    with uow() as work:
        return work.jobs.get(job.id)


@pytest.mark.parametrize("job_type", ON_IMAGES)
def test_a_job_is_read_with_its_parameters_and_result(uow, job_type):
    job = submit(uow, job_type=job_type)
    [(claim, _)] = claim_jobs(uow, job)
    ending = Ending(claim=claim, state=JobState.SUCCEEDED, result=RESULT_OF[job_type])
    with uow() as work:
        [ended], _ = work.jobs.finish([ending], expires_at=NOW)
        work.commit()
    stored = _get(uow, job)
    assert stored.type is job_type
    assert stored.parameters == job.parameters
    assert stored.result == ended.result == RESULT_OF[job_type]


def test_a_failed_job_is_read_with_its_problem(uow):
    [(claim, _)] = claim_jobs(uow, submit(uow))
    ending = Ending(claim=claim, state=JobState.FAILED, error=UNUSABLE)
    with uow() as work:
        work.jobs.finish([ending], expires_at=NOW)
        work.commit()
    stored = _get(uow, claim)
    assert (stored.error, stored.result) == (UNUSABLE, None)


@pytest.mark.parametrize("made", MADE, ids=[type(one).__name__ for one in MADE])
def test_a_row_of_another_version_is_read_by_the_form_of_its_result(uow, engine, made):
    [job_type] = [kind for kind, forms in RESULTS.items() if type(made) in forms]
    job = submit(uow)
    asked = json.dumps({"of_a_later_version": True, "limit": None})
    told = json.dumps({**to_document(made), "of_a_later_version": [1]})
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE jobs SET type = :kind, parameters = :asked, result = :told WHERE id=:id"),
            {"id": job.id, "kind": job_type, "asked": asked, "told": told},
        )
    assert _get(uow, job).result == made
