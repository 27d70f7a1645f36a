"""A job accepted is a promise: it outlives the death of any process."""

from __future__ import annotations

import threading
import time
from collections import Counter
from itertools import cycle, islice
from uuid import uuid4

import httpx
import pytest

from deploy.demo.receiver import listening

JOBS = 100
FAULTS = {20: "worker-inference", 40: "redis", 60: "postgres", 80: "worker-inference"}
PATIENCE_S = 240


def _submit(http, collection, number, photograph):
    """Submit as a careful client does: again, under the same key, until there is an answer."""
    key = f'"{uuid4()}"'
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            answer = http.post(
                f"/v1/collections/{collection}/faces",
                params={"subject": f"person {number}", "face_policy": "largest"},
                files={"image": photograph.read_bytes()},
                headers={"idempotency-key": key},
            )
        except httpx.TransportError:
            continue
        if answer.status_code == httpx.codes.ACCEPTED:
            return answer.json()["id"]
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
        time.sleep(float(answer.headers["retry-after"]))
    raise AssertionError("the service did not take the job")


def _ended(http, job_id, deadline):
    while time.monotonic() < deadline:
        try:
            answer = http.get(f"/v1/jobs/{job_id}", params={"wait": "5"})
        except httpx.TransportError:
            continue
        if answer.is_success and answer.json()["state"] not in {"queued", "running"}:
            return answer.json()
        assert answer.status_code in {200, 503}, answer.text
    raise AssertionError(f"the job {job_id} did not end")


@pytest.mark.timeout(2 * PATIENCE_S)
def test_kills_of_worker_redis_and_postgres_lose_no_job_and_double_none(service, photographs):
    with service.client() as http, listening() as receiver:
        collection = http.post("/v1/collections", json={"name": "faults"}).json()["id"]
        endpoint = http.post(
            "/v1/webhooks", json={"url": receiver.url, "events": ["job.succeeded", "job.failed"]}
        ).json()
        killers = []
        ids = []
        for number, photograph in enumerate(islice(cycle(photographs), JOBS)):
            if number in FAULTS:
                killer = threading.Timer(0.1, service.kill, [FAULTS[number]])
                killer.start()
                killers.append(killer)
            ids.append(_submit(http, collection, number, photograph))
        for killer in killers:
            killer.join()
        deadline = time.monotonic() + PATIENCE_S
        jobs = [_ended(http, job_id, deadline) for job_id in ids]

        assert Counter(job["state"] for job in jobs) == {"succeeded": JOBS}
        assert len({job["id"] for job in jobs}) == JOBS
        assert len({tuple(job["result"]["face_ids"]) for job in jobs}) == JOBS
        subjects = _all(http, f"/v1/collections/{collection}/subjects")
        assert Counter(subject["face_count"] for subject in subjects) == {1: JOBS}

        told = Counter()
        while len(told) < JOBS and time.monotonic() < deadline:
            headers, _ = receiver.deliveries.get(timeout=PATIENCE_S)
            told[headers["webhook-id"]] += 1
        deliveries = _all(http, f"/v1/webhooks/{endpoint['id']}/deliveries")
        assert {delivery["id"] for delivery in deliveries} == set(told)
        assert len(deliveries) == JOBS


def _all(http, url):
    items, token = [], None
    while True:
        page = http.get(url, params={"page_token": token} if token else {}).json()
        items += page["items"]
        token = page.get("next_page_token")
        if not token:
            return items
