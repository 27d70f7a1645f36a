from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.domain.backlog import Lane
from app.domain.errors import NotFoundError
from app.domain.identity import new_id
from app.domain.job import Ending, Job, JobState, JobType, Progress
from app.domain.job_parameters import RecognitionParameters
from app.storage.jobs.statements import CLAIM_NEXT, CLAIM_NEXT_BULK
from app.storage.unit_of_work import SqlUnitOfWork
from tests.made_results import RESULT_OF
from tests.stored_jobs import LEASE, NOW, claim_jobs, submit


def _finish(uow, claim, state=JobState.SUCCEEDED, keep=()):
    result = RESULT_OF[claim.type]
    ending = Ending(claim=claim, state=state, result=result, keep_images=tuple(keep))
    with uow() as work:
        done, _ = work.jobs.finish([ending], expires_at=NOW)
        work.commit()
    return done


def _count(engine, query):
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar()


def test_a_claim_brings_the_images_in_order(uow):
    job = submit(uow, images=[b"a", b"b", b"c"])
    [(claimed, images)] = claim_jobs(uow, job)
    assert images == [b"a", b"b", b"c"]
    assert (claimed.state, claimed.attempt) == (JobState.RUNNING, 1)


def test_a_claimed_job_cannot_be_claimed_again(uow):
    job = submit(uow)
    assert claim_jobs(uow, job)
    assert claim_jobs(uow, job) == []


def test_many_claimants_share_the_jobs_without_overlap(uow):
    jobs = [submit(uow) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda job: claim_jobs(uow, job, companions=3), jobs))
    taken = [job.id for batch in claims for job, _ in batch]
    assert sorted(taken) == sorted(job.id for job in jobs)


def test_a_claim_takes_what_is_next_whatever_brought_it(uow):
    jobs = [submit(uow) for _ in range(4)]
    claims = claim_jobs(uow, jobs[3], companions=2)
    assert [job.id for job, _ in claims] == [job.id for job in jobs[:3]]


def test_a_claim_by_name_takes_that_job_and_no_other(uow):
    first, second = submit(uow), submit(uow)
    with uow() as work:
        job, images = work.jobs.claim_named(second.id, worker="test", lease=LEASE)
        assert (job.id, images) == (second.id, [b"one"])
        assert work.jobs.claim_named(second.id, worker="test", lease=LEASE) is None
        work.commit()
    assert [job.id for job, _ in claim_jobs(uow, companions=7)] == [first.id]


def test_whom_somebody_waits_for_overtakes_older_ones(uow):
    bulk = [submit(uow) for _ in range(4)]
    pair = submit(uow, images=[b"a", b"b"], lane=Lane.INTERACTIVE)
    single = submit(uow, lane=Lane.INTERACTIVE)
    claimed = {job.id for job, _ in claim_jobs(uow, bulk[3], companions=2)}
    assert claimed == {pair.id, single.id, bulk[0].id}
    assert [job.lane for job, _ in claim_jobs(uow, companions=2)] == [Lane.BULK] * 3


def test_a_claim_for_bulk_work_takes_nothing_else(uow):
    submit(uow, lane=Lane.INTERACTIVE)
    assert claim_jobs(uow, companions=1, bulk=True) == []
    bulk = submit(uow)
    assert [job.id for job, _ in claim_jobs(uow, companions=1, bulk=True)] == [bulk.id]


def test_a_job_of_many_images_has_its_turn_and_no_company(uow):
    many = submit(uow, images=[b"a", b"b", b"c"])
    one, other = submit(uow), submit(uow)
    assert [job.id for job, _ in claim_jobs(uow, other, companions=7)] == [many.id]
    assert {job.id for job, _ in claim_jobs(uow, companions=7)} == {one.id, other.id}


def test_a_training_is_nobodys_company(uow):
    submit(uow, images=[], job_type=JobType.TRAINING, lane=Lane.INTERACTIVE)
    assert claim_jobs(uow, companions=7) == []


@pytest.fixture
def tenant_uow(engine):
    """Units of work of a new tenant at each call."""

    def settle():
        tenant_id = new_id()
        return lambda: SqlUnitOfWork(engine, tenant_id)

    return settle


def test_tenants_take_turns_however_much_one_of_them_has_waiting(uow, tenant_uow):
    busy, quiet = tenant_uow(), tenant_uow()
    for _ in range(20):
        submit(busy)
    mine = [submit(quiet).id for _ in range(3)]
    order = [job.id for _ in range(7) for job, _ in claim_jobs(uow)]
    assert [place for place, job_id in enumerate(order) if job_id in mine] == [1, 3, 5]


def test_a_turn_costs_as_many_images_as_the_job_has(uow, tenant_uow):
    large, small = tenant_uow(), tenant_uow()
    for _ in range(3):
        submit(large, images=[b"image"] * 5)
    mine = [submit(small).id for _ in range(8)]
    order = [job.id for _ in range(8) for job, _ in claim_jobs(uow)]
    assert [job_id in mine for job_id in order] == [False] + [True] * 5 + [False, True]


def test_who_comes_back_has_saved_no_turns(uow, tenant_uow):
    busy, quiet = tenant_uow(), tenant_uow()
    for _ in range(20):
        submit(busy)
    for _ in range(10):
        claim_jobs(uow)
    mine = [submit(quiet).id for _ in range(4)]
    order = [job.id for _ in range(6) for job, _ in claim_jobs(uow)]
    assert [job_id in mine for job_id in order] == [False, True] * 3


def test_the_lanes_of_a_tenant_have_turns_of_their_own(uow, tenant_uow):
    busy, quiet = tenant_uow(), tenant_uow()
    for _ in range(20):
        submit(busy)
    submit(quiet, lane=Lane.INTERACTIVE)
    mine = submit(busy, lane=Lane.INTERACTIVE)
    order = [job.id for _ in range(2) for job, _ in claim_jobs(uow)]
    assert mine.id in order


def test_the_next_are_found_by_an_index(engine):
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO jobs (id, type, state, parameters, done, total, attempt, losses,"
                " publish_at, publishes, created_at, lane, turn)"
                " SELECT gen_random_uuid(), 'detection', 'queued', '{}', 0, 1, 0, 0, now(), 1,"
                " now(), 1, n FROM generate_series(1, 5000) AS n"
            )
        )
        connection.execute(text("ANALYZE jobs"))
        for statement in (CLAIM_NEXT, CLAIM_NEXT_BULK):
            compiled = statement.compile(engine, compile_kwargs={"render_postcompile": True})
            values = {"job_id": None, "worker": "w", "lease": LEASE, "companions": 7}
            plan = connection.exec_driver_sql(
                f"EXPLAIN (COSTS OFF) {compiled}", {**compiled.params, **values}
            )
            lines = plan.scalars().all()
            assert sum("ix_jobs_turn" in line for line in lines) == 2, lines
            assert not any("Seq Scan on jobs" in line for line in lines), lines


def test_a_job_tried_before_is_claimed_alone(uow):
    first, other = submit(uow), submit(uow)
    [(claim, _)] = claim_jobs(uow, first)
    with uow() as work:
        assert work.jobs.retry(claim, publish_at=NOW)
        work.commit()
    assert [job.id for job, _ in claim_jobs(uow, first, companions=5)] == [first.id]
    assert [job.id for job, _ in claim_jobs(uow, other, companions=5)] == [other.id]


def test_a_late_result_is_refused_once_another_attempt_runs(uow):
    job = submit(uow)
    [(zombie, _)] = claim_jobs(uow, job)
    with uow() as work:
        work.jobs.retry(zombie, publish_at=NOW)
        work.commit()
    [(second, _)] = claim_jobs(uow, job)
    assert not _finish(uow, zombie)
    assert _finish(uow, second)
    assert not _finish(uow, second)


def test_the_images_of_an_ended_job_are_gone_but_those_kept(uow, engine):
    job = submit(uow, images=[b"a", b"b"])
    [(claim, _)] = claim_jobs(uow, job)
    with uow() as work:
        kept = work.jobs.image_ids(job.id)[1]
    _finish(uow, claim, keep=[kept])
    assert _count(engine, "SELECT count(*) FROM images") == 1
    assert _count(engine, "SELECT id FROM images") == kept
    assert _count(engine, "SELECT count(*) FROM image_keys") == 1


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_the_database_itself_refuses_to_leave_an_end(uow, engine, state):
    job = submit(uow)
    with engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'running'"))
        connection.execute(text(f"UPDATE jobs SET state = '{state}'"))
    with pytest.raises(DBAPIError, match="cannot go from"), engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'running'"))
    assert claim_jobs(uow, job) == []


def test_pages_go_from_the_newest_to_the_oldest(uow):
    jobs = [submit(uow) for _ in range(5)]
    seen, before = [], None
    while True:
        with uow() as work:
            page = work.jobs.page(owner_id=None, states=[], types=[], before=before, limit=2)
        if not page:
            break
        seen += [job.id for job in page]
        before = (page[-1].created_at, page[-1].id)
    assert seen == [job.id for job in reversed(jobs)]


def test_no_job_is_stored_for_a_collection_that_was_deleted_meanwhile(uow):
    job = Job(
        id=new_id(),
        parameters=RecognitionParameters(),
        state=JobState.QUEUED,
        collection_id=new_id(),
        progress=Progress(total=1),
        created_at=NOW,
    )
    with uow() as work, pytest.raises(NotFoundError):
        work.jobs.add(job, images=[b"one"], publish_at=NOW)
