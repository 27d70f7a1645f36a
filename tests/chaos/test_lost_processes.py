"""A job accepted is a promise, whatever process dies."""

from __future__ import annotations

import math
import random
import time
from contextlib import contextmanager
from hashlib import sha256

import psutil

from tests.chaos import naive
from tests.chaos.campaign import finish, submitting
from tests.chaos.orders import Order, picture
from tests.chaos.stack import wait_for

SEED = 20_261_125
LEASE_S = 3


def test_killed_workers_lose_no_job_and_double_none(stack, campaign, rival, size, at_most, finding):
    jobs = size(small=50, fast=120, full=2_000)
    kills = size(small=4, fast=12, full=66)
    gap_s = size(small=0.4, fast=1, full=3)
    chance = random.Random(SEED)
    # In pace with the workers: what is measured is the recovery, not a backlog.
    clients = submitting(campaign, jobs, pause_s=2 * kills * gap_s / jobs)
    for number in range(1, kills + 1):
        time.sleep(gap_s)
        rival.submit(25)  # so that it has work whenever a child of its is killed
        if number % 10 == 2:
            stack.restart("worker")
            stack.kill_a_child("worker", chance)  # and while it loads its models
            campaign.fault("worker")
        else:
            stack.kill_a_child("worker", chance)
            campaign.fault("child")
            stack.kill_a_child("naive", chance)
    verdict = finish(campaign, clients)
    rival.settle()
    finding(
        test="T1",
        promise="Killed children and workers lose no job and double none",
        n=kills,
        figure=f"{verdict} (seed {SEED})",
        passed=verdict.sound and verdict.attempts <= 5 and verdict.p99_s < at_most(30),
        naive=str(rival),
        naive_failed=rival.lost > 0,
    )


def test_jobs_lost_between_two_lists_of_the_broker_are_found(stack, campaign, rival, size, finding):
    rounds = size(small=1, fast=3, full=20)
    ends_s = []
    with stack.client() as http:
        for number in range(rounds):
            stack.wait_for_worker()
            stack.crash_at_pop.touch()
            job_id = campaign.submit(number, http=http)
            wait_for(lambda: not stack.runs("worker"), what="the crash")
            begin = time.monotonic()
            stack.restart("worker")
            campaign.wait_for_job(job_id)
            ends_s.append(time.monotonic() - begin)
    verdict = finish(campaign, [])

    for _ in range(size(small=1, fast=2, full=5)):
        rival.wait_for_start()
        stack.crash_at_naive_pop.touch()
        rival.submit(1)
        wait_for(lambda: not stack.runs("naive"), what="the crash")
        stack.restart("naive")
    rival.settle()
    finding(
        test="T7",
        promise="A message that a crash takes out of every list is missed and put again",
        n=rounds,
        figure=f"{verdict}; the slowest done {max(ends_s):.1f} s after the crash, the start of a"
        " worker included",
        passed=verdict.sound and verdict.accepted == rounds,
        naive=str(rival),
        naive_failed=rival.lost > 0,
    )


def test_what_a_stopped_worker_writes_late_is_refused(stack, campaign, late_rival, size, finding):
    rounds = size(small=1, fast=4, full=30)
    shortest_s, ends = math.inf, {}
    for number in range(rounds):
        begin = time.monotonic()
        with stack.client() as http:
            job_id = campaign.submit(number, Order.ONE_SECOND, http=http)
        zombie = _taker(stack, picture(number, Order.ONE_SECOND), begin)
        stopped = time.monotonic()
        with _stopped(zombie):
            campaign.wait_for_job(job_id)
            time.sleep(max(0.0, 2 * LEASE_S - (time.monotonic() - stopped)))
            ends[job_id] = campaign.state(job_id)
            shortest_s = min(shortest_s, time.monotonic() - stopped)
        wait_for(
            lambda pid=zombie.pid, begin=begin: stack.history.next("analysed", begin, pid=pid),
            what="the end of the first run",
        )
    naive_rounds = size(small=1, fast=2, full=10)
    for number in range(naive_rounds):
        begin = time.monotonic()
        late_rival.submit(1, Order.ONE_SECOND)
        with _stopped(_taker(stack, naive.picture_of(number, Order.ONE_SECOND), begin)):
            wait_for(lambda number=number: late_rival.ended()[number], what="the second run")
    late_rival.settle_late()
    verdict = finish(campaign, [])
    second = sum(end["attempt"] == 2 for end in ends.values())
    changed = sum(campaign.state(job_id) != end for job_id, end in ends.items())
    finding(
        test="T5",
        promise="What a worker writes after its lease has passed is refused",
        n=rounds,
        figure=f"{second} jobs ended by a second worker, {changed} results overwritten by the"
        f" first, which was stopped for {shortest_s:.0f} s or more of leases of {LEASE_S} s;"
        f" {verdict}",
        passed=verdict.sound and second == rounds and not changed,
        naive=str(late_rival),
        naive_failed=late_rival.twice > 0,
    )


def _taker(stack, data, since) -> psutil.Process:
    """Return the process that works on a picture."""
    digest = sha256(data).hexdigest()
    began = wait_for(lambda: stack.history.next("began", since, picture=digest), what="a worker")
    return psutil.Process(began["pid"])


@contextmanager
def _stopped(process: psutil.Process):
    process.suspend()
    try:
        yield
    finally:
        process.resume()
