from __future__ import annotations

from datetime import timedelta

from app.domain.job import JobState
from tests.made_results import UNUSABLE
from tests.stored_jobs import LEASE, NOW, claim_jobs, submit


def test_a_lapsed_lease_counts_a_loss_and_queues_the_job_again(uow):
    job = submit(uow)
    claim_jobs(uow, job, lease=timedelta(seconds=-1))
    with uow() as work:
        again, spent = work.late_jobs.expire_leases(
            publish_at=NOW, max_losses=3, max_attempts=5, limit=10
        )
        work.commit()
        stored = work.jobs.get(job.id)
    assert (again, spent) == ([job.id], [])
    assert (stored.state, stored.losses) == (JobState.QUEUED, 1)


def test_a_job_that_lost_its_last_process_is_buried_and_may_be_requeued(uow):
    job = submit(uow)
    claim_jobs(uow, job, lease=timedelta(seconds=-1))
    with uow() as work:
        again, [spent] = work.late_jobs.expire_leases(
            publish_at=NOW, max_losses=1, max_attempts=5, limit=10
        )
        assert work.jobs.bury(spent, error=UNUSABLE, expires_at=NOW)
        work.commit()
        assert again == []
        assert work.jobs.get(job.id).state is JobState.DEAD
        assert work.jobs.requeue(job.id, publish_at=NOW)
        work.commit()
    [(claim, images)] = claim_jobs(uow, job)
    assert (claim.attempt, claim.losses, images) == (2, 0, [b"one"])


def test_a_heartbeat_keeps_a_lease_and_tells_which_are_lost(uow):
    kept, lost = submit(uow), submit(uow)
    [(kept_claim, _)] = claim_jobs(uow, kept, lease=timedelta(seconds=-1))
    [(lost_claim, _)] = claim_jobs(uow, lost)
    with uow() as work:
        work.jobs.cancel(lost.id, expires_at=NOW)
        assert work.jobs.extend([kept_claim, lost_claim], LEASE) == {kept.id}
        again, spent = work.late_jobs.expire_leases(
            publish_at=NOW, max_losses=3, max_attempts=5, limit=10
        )
    assert (again, spent) == ([], [])


def test_the_wait_for_a_lost_message_doubles(uow):
    job = submit(uow)
    first_wait, waits = timedelta(seconds=10), []
    now = NOW
    for _ in range(4):
        with uow() as work:
            [found] = work.late_jobs.overdue(
                now=now, first_wait=first_wait, longest_wait=timedelta(minutes=1), limit=10
            )
            work.commit()
        assert found.id == job.id
        step = timedelta(seconds=1)
        waited = step
        with uow() as work:
            while not work.late_jobs.overdue(
                now=now + waited,
                first_wait=first_wait,
                longest_wait=timedelta(minutes=1),
                limit=10,
            ):
                waited += step
        waits.append(waited.total_seconds())
        now += waited
    assert waits == [20, 40, 60, 60]
