"""Callers who wait, while thousands of images are being worked off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import cycle, islice

import httpx
import pytest
from compreface_clients import new_services

BACKLOG = 400
_SENDERS = 8


def _submit_backlog(http, photographs):
    def submit(photograph):
        answer = http.post("/v1/detections", files={"image": photograph.read_bytes()})
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    with ThreadPoolExecutor(_SENDERS) as pool:
        return list(pool.map(submit, islice(cycle(photographs), BACKLOG)))


def _time(job, name):
    return datetime.fromisoformat(job[name])


def _ended(http, job_id):
    while True:
        job = http.get(f"/v1/jobs/{job_id}?wait=60").json()
        if job["finished_at"] is not None:
            return job


@pytest.mark.timeout(900)
def test_a_caller_who_waits_overtakes_a_backlog_which_is_done_all_the_same(service, photographs):
    key = new_services(service, "detection")["detection"]
    with (
        service.client() as http,
        httpx.Client(base_url=service.base_url, timeout=60, trust_env=False) as anyone,
    ):
        backlog = _submit_backlog(http, photographs)
        pair = http.post(
            "/v1/verifications",
            headers={"Prefer": "wait=30"},
            files={
                "source": photographs[0].read_bytes(),
                "target": photographs[1].read_bytes(),
            },
        )
        assert pair.status_code == 200, pair.text
        detected = anyone.post(
            "/api/v1/detection/detect",
            headers={"x-api-key": key},
            files={"file": ("a.jpg", photographs[0].read_bytes())},
        )
        assert detected.status_code == 200, detected.text
        left = [http.get(f"/v1/jobs/{job}").json()["state"] for job in reversed(backlog)]
        ended = [_ended(http, job) for job in backlog]

    called, answered = _time(pair.json(), "created_at"), _time(pair.json(), "finished_at")
    waiting = [job for job in ended if _time(job, "started_at") > called]
    overtaken = [job for job in waiting if _time(job, "started_at") > answered]
    assert len(waiting) > BACKLOG / 10, "there was no backlog to overtake"
    assert len(overtaken) > len(waiting) / 2
    assert left.count("queued") > 0, "the second caller waited for the whole backlog"
    assert {job["state"] for job in ended} == {"succeeded"}
