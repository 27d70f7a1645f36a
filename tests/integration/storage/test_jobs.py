from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.domain.errors import NotFoundError
from app.domain.job import Ending, Job, JobState, JobType, Lane, Progress
from app.services.identity import new_id

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)


def _submit(uow, *, images=(b"one",), job_type=JobType.DETECTION, lane=Lane.BULK):
    job = Job(
        id=new_id(),
        type=job_type,
        state=JobState.QUEUED,
        lane=lane,
        progress=Progress(total=len(images)),
        created_at=datetime.now(UTC),
    )
    with uow() as work:
        work.jobs.add(job, images=images, publish_at=NOW)
        work.commit()
    return job


def _claim(uow, job, companions=0, lease=LEASE, *, by_age=False):
    with uow() as work:
        claims = work.jobs.claim(
            job and job.id, worker="test", lease=lease, companions=companions, by_age=by_age
        )
        work.commit()
    return claims


def _finish(uow, claim, state=JobState.SUCCEEDED, keep=()):
    ending = Ending(claim=claim, state=state, result={"ok": True}, keep_images=tuple(keep))
    with uow() as work:
        done, _ = work.jobs.finish([ending], expires_at=NOW)
        work.commit()
    return done


def _count(engine, query):
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar()


def test_a_claim_brings_the_images_in_order(uow):
    job = _submit(uow, images=[b"a", b"b", b"c"])
    [(claimed, images)] = _claim(uow, job)
    assert images == [b"a", b"b", b"c"]
    assert (claimed.state, claimed.attempt) == (JobState.RUNNING, 1)


def test_a_claimed_job_cannot_be_claimed_again(uow):
    job = _submit(uow)
    assert _claim(uow, job)
    assert _claim(uow, job) == []


def test_many_claimants_share_the_jobs_without_overlap(uow):
    jobs = [_submit(uow) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda job: _claim(uow, job, companions=3), jobs))
    taken = [job.id for batch in claims for job, _ in batch]
    assert sorted(taken) == sorted(job.id for job in jobs)


def test_a_claim_takes_the_oldest_that_wait_along(uow):
    jobs = [_submit(uow) for _ in range(4)]
    claims = _claim(uow, jobs[3], companions=2)
    assert [job.id for job, _ in claims] == [jobs[3].id, jobs[0].id, jobs[1].id]


def test_companions_for_whom_somebody_waits_overtake_older_ones(uow):
    bulk = [_submit(uow) for _ in range(4)]
    pair = _submit(uow, images=[b"a", b"b"], lane=Lane.INTERACTIVE)
    single = _submit(uow, lane=Lane.INTERACTIVE)
    assert [job.id for job, _ in _claim(uow, bulk[3], companions=2)] == [
        bulk[3].id,
        pair.id,
        single.id,
    ]
    assert [job.lane for job, _ in _claim(uow, None, companions=3)] == [Lane.BULK] * 3


def test_a_claim_by_age_passes_no_bulk_job_over(uow):
    bulk = _submit(uow)
    waited_for = _submit(uow, lane=Lane.INTERACTIVE)
    assert [job.id for job, _ in _claim(uow, None, companions=1, by_age=True)] == [bulk.id]
    assert [job.id for job, _ in _claim(uow, None, companions=1, by_age=True)] == [waited_for.id]


@pytest.mark.parametrize(("by_age", "index"), [(False, "ix_jobs_lane"), (True, "ix_jobs_queued")])
def test_companions_are_found_by_an_index(uow, engine, by_age, index):
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO jobs (id, type, state, parameters, done, total, attempt, losses,"
                " publish_at, publishes, created_at, lane)"
                " SELECT gen_random_uuid(), 'detection', 'queued', '{}', 0, 1, 0, 0, now(), 1,"
                " now() - n * interval '1 second', 1 FROM generate_series(1, 5000) AS n"
            )
        )
        connection.execute(text("ANALYZE jobs"))
        order = "created_at" if by_age else "lane, created_at"
        plan = connection.execute(
            text(
                "EXPLAIN SELECT id FROM jobs WHERE state = 'queued' AND attempt = 0"
                f" AND (total = 1 OR lane = 0) ORDER BY {order} LIMIT 8 FOR UPDATE SKIP LOCKED"
            )
        )
        lines = plan.scalars().all()
    assert any(index in line for line in lines), lines
    assert not any("Sort" in line for line in lines), lines


def test_a_job_tried_before_is_claimed_alone(uow):
    first, other = _submit(uow), _submit(uow)
    [(claim, _)] = _claim(uow, first)
    with uow() as work:
        assert work.jobs.release(claim, publish_at=NOW)
        work.commit()
    assert [job.id for job, _ in _claim(uow, first, companions=5)] == [first.id]
    assert [job.id for job, _ in _claim(uow, other, companions=5)] == [other.id]


def test_a_late_result_is_refused_once_another_attempt_runs(uow):
    job = _submit(uow)
    [(zombie, _)] = _claim(uow, job)
    with uow() as work:
        work.jobs.release(zombie, publish_at=NOW)
        work.commit()
    [(second, _)] = _claim(uow, job)
    assert not _finish(uow, zombie)
    assert _finish(uow, second)
    assert not _finish(uow, second)


def test_the_images_of_an_ended_job_are_gone_but_those_kept(uow, engine):
    job = _submit(uow, images=[b"a", b"b"])
    [(claim, _)] = _claim(uow, job)
    with uow() as work:
        kept = work.jobs.image_ids(job.id)[1]
    _finish(uow, claim, keep=[kept])
    assert _count(engine, "SELECT count(*) FROM images") == 1
    assert _count(engine, "SELECT id FROM images") == kept
    assert _count(engine, "SELECT count(*) FROM image_keys") == 1


def test_a_lapsed_lease_counts_a_loss_and_queues_the_job_again(uow):
    job = _submit(uow)
    _claim(uow, job, lease=timedelta(seconds=-1))
    with uow() as work:
        again, spent = work.jobs.expire_leases(
            publish_at=NOW, max_losses=3, max_attempts=5, limit=10
        )
        work.commit()
        stored = work.jobs.get(job.id)
    assert (again, spent) == ([job.id], [])
    assert (stored.state, stored.losses) == (JobState.QUEUED, 1)


def test_a_job_that_lost_its_last_process_is_buried_and_may_be_requeued(uow):
    job = _submit(uow)
    _claim(uow, job, lease=timedelta(seconds=-1))
    with uow() as work:
        again, [spent] = work.jobs.expire_leases(
            publish_at=NOW, max_losses=1, max_attempts=5, limit=10
        )
        assert work.jobs.bury(spent, error={"detail": "gone"}, expires_at=NOW)
        work.commit()
        assert again == []
        assert work.jobs.get(job.id).state is JobState.DEAD
        assert work.jobs.requeue(job.id, publish_at=NOW)
        work.commit()
    [(claim, images)] = _claim(uow, job)
    assert (claim.attempt, claim.losses, images) == (2, 0, [b"one"])


def test_a_heartbeat_keeps_a_lease_and_tells_which_are_lost(uow):
    kept, lost = _submit(uow), _submit(uow)
    [(kept_claim, _)] = _claim(uow, kept, lease=timedelta(seconds=-1))
    [(lost_claim, _)] = _claim(uow, lost)
    with uow() as work:
        work.jobs.cancel(lost.id, expires_at=NOW)
        assert work.jobs.extend([kept_claim, lost_claim], LEASE) == {kept.id}
        again, spent = work.jobs.expire_leases(
            publish_at=NOW, max_losses=3, max_attempts=5, limit=10
        )
    assert (again, spent) == ([], [])


def test_the_wait_for_a_lost_message_doubles(uow):
    job = _submit(uow)
    first_wait, waits = timedelta(seconds=10), []
    now = NOW
    for _ in range(4):
        with uow() as work:
            [found] = work.jobs.overdue(
                now=now, first_wait=first_wait, longest_wait=timedelta(minutes=1), limit=10
            )
            work.commit()
        assert found.id == job.id
        step = timedelta(seconds=1)
        waited = step
        with uow() as work:
            while not work.jobs.overdue(
                now=now + waited,
                first_wait=first_wait,
                longest_wait=timedelta(minutes=1),
                limit=10,
            ):
                waited += step
        waits.append(waited.total_seconds())
        now += waited
    assert waits == [20, 40, 60, 60]


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_the_database_itself_refuses_to_leave_an_end(uow, engine, state):
    job = _submit(uow)
    with engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'running'"))
        connection.execute(text(f"UPDATE jobs SET state = '{state}'"))
    with pytest.raises(DBAPIError, match="cannot go from"), engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'running'"))
    assert _claim(uow, job) == []


def test_pages_go_from_the_newest_to_the_oldest(uow):
    jobs = [_submit(uow) for _ in range(5)]
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
        type=JobType.RECOGNITION,
        state=JobState.QUEUED,
        collection_id=new_id(),
        progress=Progress(total=1),
        created_at=NOW,
    )
    with uow() as work, pytest.raises(NotFoundError):
        work.jobs.add(job, images=[b"one"], publish_at=NOW)
