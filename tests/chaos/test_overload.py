"""One tenant sends five times what can be done: it is turned away, and nobody else feels it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from hashlib import sha256
from uuid import uuid4

import numpy as np
import psutil
import pytest

from app.bootstrap import SystemClock
from app.domain.access import Scope
from app.domain.caller import Caller
from app.domain.identity import new_id
from app.services.access.keys import create_key
from app.services.access.tenants import create_tenant
from app.storage.database.engine import build_engine
from app.storage.unit_of_work import SqlUnitOfWork
from tests.chaos import naive
from tests.chaos.open_loop import ended, send
from tests.chaos.orders import picture
from tests.chaos.stack import Background, wait_for

#: Two processes, and 130 ms for a picture on average.
CAPACITY = 2 / 0.13
BUSY, QUIET = 5 * 0.95 * CAPACITY, 5 * 0.05 * CAPACITY

#: The queue fills in this time, and the processes learn of each other's tenants.
RAMP_S = 1.5


@pytest.fixture
def busy_key(stack):
    """The key of a new tenant."""
    url = stack.database_url().replace("postgresql://", "postgresql+psycopg://")
    engine = build_engine(url, pool_size=1)
    parts = {"uow": lambda: SqlUnitOfWork(engine), "clock": SystemClock()}
    tenant = create_tenant(f"busy-{uuid4().hex[:8]}", **parts)
    who = Caller.of_command_line(tenant.id)
    _, credential = create_key(name="busy", scope=Scope.ADMIN, caller=who, **parts)
    engine.dispose()
    return str(credential)


@pytest.fixture
def crowd(stack, size):
    """A collection whose training takes a while."""
    with stack.client() as http:
        answer = http.post("/v1/collections", json={"name": f"crowd-{uuid4().hex[:8]}"})
        collection = answer.raise_for_status().json()
    people, faces = size(small=150, fast=800, full=1500), 3
    vectors = np.random.default_rng(19).standard_normal((people * faces, 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    subjects = [new_id() for _ in range(people)]
    with stack.database() as connection, connection.transaction():
        cursor = connection.cursor()
        cursor.executemany(
            "INSERT INTO subjects (id, collection_id, name, created_at) VALUES (%s, %s, %s, now())",
            [(one, collection["id"], f"person {n}") for n, one in enumerate(subjects)],
        )
        cursor.executemany(
            "INSERT INTO faces (id, collection_id, subject_id, job_id, image_number, box,"
            " landmarks, confidence, model, embedding, created_at)"
            " VALUES (%s, %s, %s, %s, 0, '{}', '{}', 1, %s, %s, now())",
            [
                (
                    *(new_id(), collection["id"], subjects[n // faces], new_id()),
                    *(collection["model"], str(vector.tolist())),
                )
                for n, vector in enumerate(vectors)
            ],
        )
    return collection["id"]


def test_an_overload_of_one_tenant_is_turned_away_and_felt_by_nobody_else(
    stack, size, busy_key, crowd, rival, finding
):
    bound = size(small=30, fast=120, full=300)
    load_s = size(small=5, fast=20, full=240)
    calm_s = size(small=3, fast=15, full=40)
    bounds = {"VULTUS_MAX_WAITING_PER_TENANT": str(bound), "VULTUS_MAX_WAITING": str(3 * bound)}
    stack.start("training")
    with stack.settings("web", **bounds):
        stack.wait_for_worker()
        unloaded = send(stack, stack.key, per_second=QUIET, seconds=calm_s)
        calm = ended(stack, unloaded)
        alone = ended(stack, send(stack, busy_key, per_second=500, seconds=bound / 500))
        peak = _worth(alone) / (alone[-1].finished_at - alone[0].finished_at + alone[0].took_s)

        begin = time.time()
        with _watched(stack) as watch:
            flood = Background(lambda: send(stack, busy_key, per_second=BUSY, seconds=load_s))
            theirs = send(stack, stack.key, per_second=QUIET, seconds=load_s)
            flood = flood.result()
        end = time.time()
        fifo = Background(lambda: _send_to_rival(rival, size(small=3, fast=6, full=10)))
        taken, quiet = ended(stack, flood), ended(stack, theirs)
        normal_s = _recovery(stack, 2 * _p95(one.took_s for one in calm)) - end
        idle, training = _interactive(stack, crowd, size(small=8, fast=25, full=100))
    stack.remove("training")
    starved_s = fifo.result()
    _abandon(stack)

    quiet = [one for one in quiet if one.finished_at > begin + RAMP_S]
    window_s = end - begin - RAMP_S
    done = [one for one in taken + quiet if begin + RAMP_S < one.finished_at < end]
    refusals = [answer for answer in flood if answer.status == 429]
    statuses = Counter(answer.status for answer in flood + theirs)
    figures = {
        "turned away p99 s": (
            _quantile((answer.took_s for answer in refusals), 0.99),
            max(0.3, 10 * _quantile((answer.took_s for answer in unloaded), 0.5)),
        ),
        "age p95 s": (_p95(one.waited_s for one in taken), 2 * bound / CAPACITY),
        "others' p95 / unloaded": (
            _p95(one.took_s for one in quiet) / _p95(one.took_s for one in calm),
            2.0,
        ),
        "peak / goodput": (peak / (_worth(done) / window_s), 1 / 0.9),
        "interactive p95 / without a retrain": (_p95(training) / _p95(idle), 3.0),
        "normal after s": (normal_s, 60.0),
        "waiting / bound": (watch["images"] / bound, 2.5),
        "Redis grew by MB": (watch["redis"], 5.0),
        "Postgres grew by MB": (watch["postgres"], 150.0),
    }
    # The times of a few seconds, with a dozen jobs of others, tell of the machine.
    judged = size(
        small=("waiting / bound", "Redis grew by MB", "Postgres grew by MB"),
        fast=figures,
        full=figures,
    )
    told = all(int(a.headers["retry-after"]) >= 1 and "ratelimit" in a.headers for a in refusals)
    finding(
        test="T19",
        promise="Who sends more than can be done is turned away in time, no other tenant feels"
        " it, and no caller feels a training",
        n=len(flood),
        figure=f"answers {dict(statuses)}; "
        + "; ".join(f"{name} {value:.2f}" for name, (value, _) in figures.items()),
        passed=set(statuses) == {202, 429}
        and {answer.status for answer in theirs} == {202}
        and told
        and {one.state for one in taken + quiet} == {"succeeded"}
        and all(figures[name][0] <= figures[name][1] for name in judged),
        naive=f"nobody turned away; the other tenant's p95 {starved_s:.1f} s and growing",
        naive_failed=starved_s > 2 * _p95(one.took_s for one in calm),
    )


def _quantile(values, q):
    return float(np.quantile(list(values), q))


def _p95(values):
    return _quantile(values, 0.95)


def _worth(jobs):
    return sum(one.worth_s for one in jobs)


@contextmanager
def _watched(stack):
    """Yield a dictionary that in the end holds the most images that waited, and MB of growth."""
    seen = {"images": 0, "redis": 0.0, "postgres": 0.0}
    over = threading.Event()

    def look():
        with stack.redis_client() as broker, stack.database() as connection:
            first = None
            while True:
                now = broker.info("memory")["used_memory"], _memory_of(stack.children("postgres"))
                first = first or now
                waiting = "SELECT coalesce(sum(total), 0) FROM jobs WHERE state = 'queued'"
                seen["images"] = max(seen["images"], connection.execute(waiting).fetchone()[0])
                for name, before, after in zip(("redis", "postgres"), first, now, strict=True):
                    seen[name] = max(seen[name], (after - before) / 2**20)
                if over.wait(0.5):
                    return

    watcher = Background(look)
    yield seen
    over.set()
    watcher.result()


def _memory_of(processes):
    """Return the bytes that processes have for themselves."""
    total = 0
    for process in processes:
        try:
            seen = process.memory_info()
        except psutil.NoSuchProcess:
            continue
        total += seen.rss - seen.shared
    return total


def _recovery(stack, normal_s):
    """Return when a job of anybody's takes no longer than it should."""

    def normal():
        [one] = ended(stack, send(stack, stack.key, per_second=1, seconds=1))
        return one.took_s <= normal_s and one.finished_at

    return wait_for(normal, what="a normal time")


def _interactive(stack, collection, calls):
    """Return how long callers wait, without trainings and while some run one after the other."""
    with stack.client() as http:

        def call(number):
            begin = time.monotonic()
            data = picture(3_000_000 + number)
            answer = http.post("/v1/detections?wait=10", files={"image": data})
            assert answer.status_code == 200, answer.text
            return time.monotonic() - begin

        def ended_all(jobs):
            return all(http.get(job).json()["finished_at"] for job in jobs)

        idle = [call(number) for number in range(calls)]
        path = f"/v1/collections/{collection}/trainings"
        jobs = [http.post(path).raise_for_status().headers["location"] for _ in range(2)]
        busy = []
        while not ended_all(jobs) or len(busy) < calls:
            busy.append(call(calls + len(busy)))
            if ended_all(jobs[-1:]) and len(busy) < calls:
                jobs.append(http.post(path).raise_for_status().headers["location"])
        states = {http.get(job).json()["state"] for job in jobs}
        assert states == {"succeeded"}, states
    return idle, busy


def _send_to_rival(rival, seconds):
    """Overload the naive switch; return the p95 of the one in twenty that another tenant sends."""
    rate = BUSY + QUIET
    sent = {}
    begin = time.monotonic()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        if number % 20 == 19:
            sent[sha256(naive.picture_of(rival.accepted)).hexdigest()] = time.monotonic()
        rival.submit(1)
    now = time.monotonic()
    done = {event["picture"]: event["at"] for event in rival.stack.history.events("analysed")}
    return _p95(done.get(digest, now) - at for digest, at in sent.items())


def _abandon(stack):
    """Let nobody work off what the naive switch has left."""
    with stack.redis_client(1) as broker:
        broker.flushdb()
    stack.end("naive")
