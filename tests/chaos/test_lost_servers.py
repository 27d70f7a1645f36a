"""A job accepted is a promise, whatever server goes away."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from contextlib import suppress

import httpx
import numpy as np
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from tests.chaos.campaign import finish, submitting
from tests.chaos.stack import Background

SEED = 20_261_126


def _redis_away(stack, campaign, how, outage_s):
    """Take Redis away in one of three ways and give it back; return when it was away."""
    if how == "frozen":
        stack.signal("redis", signal.SIGSTOP)
    else:
        stack.end("redis")
        if how == "emptied":
            stack.empty_redis()
    campaign.fault(f"redis {how}")
    begin = time.monotonic()
    time.sleep(outage_s)
    end = time.monotonic()
    if how == "frozen":
        stack.signal("redis", signal.SIGCONT)
    else:
        stack.start("redis")
    campaign.fault("redis is back")
    return begin, end


def test_submits_go_on_and_nothing_is_lost_while_redis_is_away(
    stack, campaign, rival, size, at_most, finding
):
    outages = size(
        small=["emptied", "frozen"],
        fast=["killed", "emptied", "frozen"],
        full=[*["killed", "emptied"] * 4, "frozen", "frozen"],
    )
    outage_s = size(small=3, fast=4, full=20)
    jobs = size(small=60, fast=200, full=1_000)
    pause_s = (outage_s + 2) * len(outages) * 2 / jobs
    clients = submitting(campaign, jobs, pause_s=pause_s)
    rival.submit(size(small=100, fast=200, full=300))
    away, consuming_s, blocked_s = [], [], 0.0
    for how in outages:
        if how == "frozen":
            stack.signal("redis", signal.SIGSTOP)
            frozen = Background(_timed, rival.submit, 1)
            time.sleep(outage_s)
            blocked_s = max(blocked_s, outage_s if frozen.is_alive() else frozen.result())
            stack.signal("redis", signal.SIGCONT)
        away.append(_redis_away(stack, campaign, how, outage_s))
        consuming_s.append(_until_consuming(stack, campaign, away[-1][1]))
    verdict = finish(campaign, clients)
    took = [
        answer["took_s"]
        for answer in campaign.answers()
        if any(begin <= answer["at"] - answer["took_s"] <= end for begin, end in away)
    ]
    p99_s = float(np.quantile(took, 0.99))
    outcomes = Counter(answer["outcome"] for answer in campaign.answers())
    rival.settle()
    finding(
        test="T2",
        promise="Submits go on while Redis is killed, emptied or frozen, and none is lost",
        n=len(outages),
        figure=f"{verdict}; {len(took)} submits meanwhile, p99 {p99_s:.2f} s; answers"
        f" {dict(outcomes)}; consuming {max(consuming_s):.1f} s after its return at the latest",
        passed=verdict.sound
        and p99_s < at_most(1)
        and max(consuming_s) < at_most(15)
        and set(outcomes) == {httpx.codes.ACCEPTED},
        naive=f"{rival}; a submit blocked for {blocked_s:.1f} s",
        naive_failed=rival.lost > 0,
    )


def _timed(run, *arguments):
    begin = time.monotonic()
    with suppress(OperationalError, RedisError, OSError):
        run(*arguments)
    return time.monotonic() - begin


def _until_consuming(stack, campaign, since):
    """Return the seconds until a worker began on a picture that came after the outage."""
    with stack.client() as http:
        number = 500_000 + len(campaign.accepted)
        job_id = campaign.submit(number, http=http)
    campaign.wait_for_job(job_id)
    return time.monotonic() - since


def test_postgres_may_stop_at_any_moment(stack, campaign, rival, size, at_most, finding):
    stops = size(small=2, fast=4, full=8)
    cuts = size(small=3, fast=10, full=60)
    jobs = size(small=60, fast=200, full=500)
    pause_s = (stops * 2 + cuts) / jobs
    clients = submitting(campaign, jobs, pause_s=pause_s)
    rival.submit(size(small=100, fast=200, full=300))
    back_s = []
    for number in range(stops + cuts):
        time.sleep(0.5)
        if number % ((stops + cuts) // stops) == 1:
            stack.restart("postgres", signal.SIGQUIT)  # the server's own "immediate"
            campaign.fault("postgres")
            back_s.append(_until_stored(stack, campaign, number))
        else:
            with stack.superuser() as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE usename = 'vultus' AND pid <> pg_backend_pid()"
                )
            campaign.fault("connections")
    verdict = finish(campaign, clients)
    outcomes = Counter(answer["outcome"] for answer in campaign.answers())
    with stack.superuser() as connection:
        [(stuck,)] = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'vultus'"
            " AND state LIKE 'idle in transaction%' AND state_change < now() - interval '5 s'"
        ).fetchall()
    rival.settle()
    finding(
        test="T3",
        promise="Every accepted job survives stops of Postgres and cut connections",
        n=stops + cuts,
        figure=f"{verdict}; answers {dict(outcomes)}; stored again after {max(back_s):.1f} s at"
        f" the latest; {stuck} connections stuck",
        passed=verdict.sound
        and set(outcomes) <= {httpx.codes.ACCEPTED, httpx.codes.SERVICE_UNAVAILABLE}
        and max(back_s) < at_most(5)
        and not stuck,
        naive=str(rival),
        naive_failed=rival.lost > 0,
    )


def _until_stored(stack, campaign, number):
    begin = time.monotonic()
    with stack.client() as http:
        campaign.submit(600_000 + number, http=http)
    return time.monotonic() - begin


def test_everything_may_fail_in_one_run(stack, campaign, rival, size, at_most, finding):
    faults = size(small=6, fast=9, full=36)
    jobs = size(small=40, fast=200, full=600)
    gap_s = size(small=0.7, fast=3, full=5)
    chance = random.Random(SEED)
    clients = submitting(campaign, jobs, pause_s=faults * gap_s * 2 / jobs)
    rival.submit(size(small=100, fast=200, full=300))
    kinds = Counter()
    for number in range(faults):
        time.sleep(gap_s)
        kind = ("child", "web", "postgres", "worker", "redis", "child")[number % 6]
        kinds[kind] += 1
        match kind:
            case "child":
                stack.kill_a_child("worker", chance)
                stack.kill_a_child("naive", chance)
            case "postgres":
                stack.restart("postgres", signal.SIGQUIT)
            case "redis":
                stack.end("redis")
                stack.empty_redis()
                stack.start("redis")
            case _:
                stack.restart(kind)
        campaign.fault(kind)
    verdict = finish(campaign, clients)
    retried = len(campaign.answers()) - verdict.accepted
    rival.settle()
    finding(
        test="T4",
        promise="Web, workers, Redis and Postgres may be killed in one run",
        n=faults,
        figure=f"{verdict}; {retried} submits repeated under their key (seed {SEED})",
        passed=verdict.sound and verdict.p99_s < at_most(30),
        naive=str(rival),
        naive_failed=rival.lost > 0,
    )
