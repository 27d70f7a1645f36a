"""How often the work on a job asks the database: each time costs an idle service about half a
millisecond, and a busy one the turn of a process."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from app.domain.backlog import Bounds
from app.domain.delivery import Endpoint, EventType
from app.domain.identity import new_id
from app.domain.job import JobType
from app.domain.job_parameters import RecognitionParameters
from app.domain.job_request import JobRequest
from app.domain.tenant import DEFAULT_TENANT_ID
from app.services.jobs.admission import Admission
from app.services.recognition.identify import identified
from tests.analyses import image_of


@pytest.fixture
def statements(engine):
    """Count the statements within a block, commits left out."""
    sent = []
    event.listen(engine, "before_cursor_execute", lambda *call: sent.append(call[2]))

    @contextmanager
    def counted():
        block = []
        start = len(sent)
        yield block
        block += sent[start:]

    return counted


@pytest.fixture
def complete(desk, model, classifiers, cohort):
    """Complete recognitions, one for each claim, as a worker does."""

    def run(claims, image):
        def conclusion(claim):
            return lambda work: identified(
                work,
                claim.collection_id,
                claim.parameters,
                [image],
                model=model,
                classifiers=classifiers,
                cohort=cohort,
            )

        desk.complete_together([(claim, conclusion(claim)) for claim in claims])

    return run


def test_a_job_is_submitted_by_one_statement(desk, collection, statements):
    request = JobRequest(
        parameters=RecognitionParameters(),
        owner_id=DEFAULT_TENANT_ID,
        collection_id=collection.id,
        images=[b"one", b"two"],
    )
    bounded = Admission.within(Bounds(tenant=5000, whole=10_000))
    desk = replace(desk, admission=bounded)

    def submit():
        with statements() as sent:
            desk.submit(request, route="recognition")
        return len(sent)

    assert submit() == 3, "what waits is counted before the first"
    assert [submit() for _ in range(5)] == [1] * 5


def test_a_job_is_claimed_by_one_statement(submitted, uow, statements):
    job = submitted(JobType.RECOGNITION)
    with statements() as sent, uow() as work:
        assert work.jobs.claim(job.id, worker="test", lease=timedelta(minutes=1), companions=7)
        work.commit()
    assert len(sent) == 1


def test_a_recognition_is_completed_by_three_statements(
    enrol, recognise, claimed, complete, people, statements
):
    enrol("Ann", people[0])
    recognise(image_of(people[0]))
    claim = claimed(JobType.RECOGNITION)
    with statements() as sent:
        complete([claim], image_of(people[0]))
    assert len(sent) == 3, sent


def test_each_face_of_a_batch_costs_one_statement_more(
    enrol, recognise, claimed, complete, people, statements
):
    enrol("Ann", people[0])
    recognise(image_of(people[0]))
    claims = [claimed(JobType.RECOGNITION) for _ in range(3)]
    with statements() as sent:
        complete(claims, image_of(people[0], people[1]))
    assert len(sent) == 2 + 3 * 2, sent


def test_a_batch_reads_the_shares_of_a_collection_that_has_grown_once(
    enrol, claimed, complete, people, cohort
):
    enrol("Ann", people[0])
    complete([claimed(JobType.RECOGNITION) for _ in range(3)], image_of(people[0]))
    assert cohort.read_for == [1]


def test_endpoints_are_asked_for_only_where_their_tenant_has_one_that_is_enabled(
    uow, claimed, complete, people, queue, clock, statements
):
    endpoint = Endpoint(
        id=new_id(),
        url="https://example.com/hook",
        secret="whsec_" + "A" * 32,
        events=frozenset({EventType.JOB_FAILED}),
        enabled=False,
        created_at=clock.now(),
    )

    def completed():
        claim = claimed(JobType.RECOGNITION)
        with statements() as sent:
            complete([claim], image_of(people[0]))
        return len(sent)

    _change(uow, lambda work: work.endpoints.add(endpoint))
    unheard = completed()
    _change(uow, lambda work: work.endpoints.update(replace(endpoint, enabled=True)))
    assert completed() == unheard + 1
    assert queue.deliveries == []


def _change(uow, change):
    with uow() as work:
        change(work)
        work.commit()
