"""A job that harms its worker ends as dead, with a reason; the others do not notice."""

from __future__ import annotations

from hashlib import sha256

from tests.chaos import naive
from tests.chaos.campaign import finish
from tests.chaos.orders import Order
from tests.chaos.stack import wait_for

_REASONS = {
    Order.CRASH: "lost its process",
    Order.GROW: "needed too much memory",
    Order.SPIN: "took too long",
    Order.SLEEP: "took too long",
}


#: Smaller than the product's, so that the end comes sooner.
_LIMITS = {
    "VULTUS_BATCH_TIME_LIMIT_S": "4",
    "VULTUS_WORKER_MEMORY_MB": "1024",
    "VULTUS_MAX_ATTEMPTS": "3",
}


def test_a_job_that_harms_its_worker_ends_as_dead(stack, campaign, late_rival, size, finding):
    each = size(small=1, fast=1, full=5)
    good = size(small=10, fast=100, full=500)
    poison = [order for order in _REASONS for _ in range(each)]
    late_rival.submit(1, Order.CRASH)
    with stack.settings("worker", **_LIMITS), stack.client() as http:
        stack.wait_for_worker()
        bad = {
            campaign.submit(number, order, http=http): order for number, order in enumerate(poison)
        }
        campaign.submit_many(range(len(poison), len(poison) + good))
        verdict = finish(campaign, [])
    ends = {job_id: campaign.state(job_id) for job_id in bad}
    explained = sum(
        end["state"] == "dead" and _REASONS[bad[job_id]] in end["error"]["detail"]
        for job_id, end in ends.items()
    )
    with stack.database() as connection:
        query = "SELECT max(losses), count(*) FILTER (WHERE state = 'succeeded') FROM jobs"
        losses, succeeded = connection.execute(
            f"{query} WHERE collection_id = %s", [campaign.collection]
        ).fetchone()
    [again, *_] = ends
    with stack.client() as http:
        requeued = http.post(f"/v1/jobs/{again}/requeue").status_code
        http.post(f"/v1/jobs/{again}/cancel")

    reruns = wait_for(lambda: _runs(stack) > 4 and _runs(stack), what="the fifth run")
    with stack.redis_client(2) as client:
        client.flushdb()
    stack.end("naive-late")
    finding(
        test="T6",
        promise="A job that harms its worker ends as dead with a reason, and harms no other",
        n=len(poison),
        figure=f"{explained} of {len(poison)} dead with their reason after {losses} lost processes"
        f" at most; {succeeded} of {good} others succeeded; a requeue is answered {requeued};"
        f" {verdict}",
        passed=verdict.sound
        and explained == len(poison)
        and losses <= 3
        and succeeded == good
        and requeued == 202,
        naive=f"a job that crashes had run {reruns} times, without end",
        naive_failed=reruns > 4,
    )


def _runs(stack):
    digest = sha256(naive.picture_of(0, Order.CRASH)).hexdigest()
    return sum(event["picture"] == digest for event in stack.history.events("began"))
