"""A worker that is told to stop finishes or hands back what it holds."""

from __future__ import annotations

import signal

from tests.chaos.campaign import finish, submitting
from tests.chaos.orders import Order
from tests.chaos.stack import wait_for

#: What orchestrators wait before they kill.
PATIENCE_S = 30
#: What a worker may take whose jobs take a second, a batch of them included.
PROMPT_S = 10


def test_a_worker_that_is_told_to_stop_loses_no_attempt(
    stack, campaign, rival, size, at_most, finding
):
    restarts = size(small=1, fast=2, full=20)
    jobs = size(small=20, fast=100, full=400)
    with stack.client() as http:
        long = campaign.submit(900_000, Order.FORTY_SECONDS, http=http)
        wait_for(lambda: _running(stack, campaign) == 1, what="the long one to run")
        short = campaign.submit(900_001, Order.ONE_SECOND, http=http)
    wait_for(lambda: _running(stack, campaign) == 2, what="both to run")
    stack.signal("worker", signal.SIGTERM)
    hurried = size(small=True, fast=False, full=False)
    if hurried:  # a second TERM means that the patience of 20 s is over
        campaign.wait_for_job(short)
    stop_s = stack.end("worker", signal.SIGTERM if hurried else 0, 60)
    handed_back = _running(stack, campaign) == 0
    attempts = _counted(stack, [long, short])
    with stack.client() as http:
        http.post(f"/v1/jobs/{long}/cancel").raise_for_status()
    stack.start("worker")
    stack.wait_for_worker()
    clients = submitting(campaign, jobs, pause_s=restarts * 4 / jobs)
    prompt_s = []
    for number in range(restarts):
        with stack.client() as http:
            campaign.submit(900_002 + number, Order.ONE_SECOND, http=http)
        wait_for(lambda: _running(stack, campaign), what="one to run")
        prompt_s.append(stack.end("worker", signal.SIGTERM, 60))
        stack.start("worker")
        stack.wait_for_worker()
    verdict = finish(campaign, clients)
    failed = [a for a in campaign.answers() if a["outcome"] != 202]
    counted = _counted(stack, campaign.accepted)

    rival.submit(2, Order.FORTY_SECONDS)
    wait_for(lambda: _naively_running(rival) == 2, what="both to run")
    patience_s = size(small=3, fast=3, full=PATIENCE_S)
    waited_s = stack.end("naive", signal.SIGTERM, patience_s)
    stack.start("naive")
    rival.settle()
    finding(
        test="T8",
        promise="A worker stops in time; its jobs end or are handed back, without a counted try",
        n=restarts + 1,
        figure=f"stopped within {stop_s:.0f} s, among short jobs within {max(prompt_s):.1f} s;"
        " running jobs"
        f" {'all ended or handed back at once' if handed_back else 'left behind'}; {attempts} and"
        f" {counted} tries counted at most; {len(failed)} of {len(campaign.answers())} requests"
        f" failed; {verdict}",
        passed=verdict.accepted == jobs + 2 + restarts
        and not verdict.lost
        and not verdict.duplicate
        and stop_s <= at_most(PATIENCE_S)
        and max(prompt_s) <= at_most(PROMPT_S)
        and handed_back
        and max(attempts, counted) <= 1
        and not failed,
        naive=f"killed after {waited_s:.0f} s of patience; {rival}",
        naive_failed=rival.lost > 0,
    )


def _running(stack, campaign):
    with stack.database() as connection:
        query = "SELECT count(*) FROM jobs WHERE collection_id = %s AND state = 'running'"
        return connection.execute(query, [campaign.collection]).fetchone()[0]


def _counted(stack, job_ids):
    with stack.database() as connection:
        query = "SELECT max(attempt - excused) FROM jobs WHERE id::text = ANY(%s)"
        return connection.execute(query, [job_ids]).fetchone()[0]


def _naively_running(rival):
    replies = rival.celery.control.inspect(timeout=0.5).active() or {}
    return sum(len(tasks) for node, tasks in replies.items())
