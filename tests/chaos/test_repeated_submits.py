"""A submit that is repeated under its key is one job."""

from __future__ import annotations

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from tests.chaos.orders import picture
from tests.chaos.stack import wait_for

AT_ONCE = 4


def test_repeated_submits_are_one_job(stack, size, rival, finding):
    keys = [f'"{uuid4()}"' for _ in range(size(small=20, fast=150, full=500))]
    image, other = picture(1), picture(2)
    with stack.client() as mine, stack.client(stack.new_key()) as theirs:

        def post(key, http=mine, data=image):
            return http.post(
                "/v1/detections", files={"image": data}, headers={"idempotency-key": key}
            )

        with ThreadPoolExecutor(2 * AT_ONCE) as senders:
            answers = list(senders.map(post, [key for key in keys for _ in range(AT_ONCE)]))
        jobs = {
            key: {answer.json()["id"] for answer in answers[n * AT_ONCE : (n + 1) * AT_ONCE]}
            for n, key in enumerate(keys)
        }
        doubled = sum(len(ids) > 1 for ids in jobs.values())
        distinct = len(set.union(*jobs.values()))
        statuses = Counter(answer.status_code for answer in answers)
        few = keys[: max(5, len(keys) // 10)]
        refused = Counter(post(key, data=other).status_code for key in few)
        foreign = {post(key, theirs).json()["id"] for key in few}
        shared = len(foreign & set.union(*jobs.values()))
        for ids in jobs.values():
            wait_for(lambda ids=ids: _ended(mine, ids))
        unlike = sum(post(key).content != post(key).content for key in few)
    for key in (gone := [f'"{uuid4()}"' for _ in few]):
        _post_and_leave(stack, key, image)
    with stack.client() as http:
        first = [post_again(http, key, image) for key in gone]
        alone = sum(_count(stack, key) == 1 for key in gone)

    for _ in few:
        rival.submit(1)
        rival.accepted -= 1  # the client did not see the answer, and sends it again
        rival.submit(1)
    rival.settle()
    wait_for(lambda: rival.twice, 20, "the doubles")
    finding(
        test="T9",
        promise="A submit that is repeated under its key is one job, and answered alike",
        n=len(keys),
        figure=f"{distinct} jobs of {len(answers)} submits, {doubled} keys with two; answers"
        f" {dict(statuses)}; another body {dict(refused)}; {unlike} replays differ; {shared} jobs"
        f" shared with another key's owner; {alone} of {len(gone)} whose client left are one job",
        passed=distinct == len(keys)
        and not doubled
        and set(refused) == {422}
        and not unlike
        and not shared
        and alone == len(gone) == len(set(first)),
        naive=str(rival),
        naive_failed=rival.twice > 0,
    )


def _ended(http, ids):
    return all(http.get(f"/v1/jobs/{i}").json()["state"] == "succeeded" for i in ids)


def post_again(http, key, image):
    answer = http.post("/v1/detections", files={"image": image}, headers={"idempotency-key": key})
    return answer.json()["id"]


def _post_and_leave(stack, key, image):
    """Send a whole request and hang up without waiting for its answer."""
    port = int(stack.base_url.rpartition(":")[2])
    head = (
        "POST /v1/detections HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream"
        f"\r\nContent-Length: {len(image)}\r\nX-Api-Key: {stack.key}\r\nIdempotency-Key: {key}"
        "\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + image)


def _count(stack, key):
    with stack.database() as connection:
        query = "SELECT count(*) FROM idempotency_keys WHERE key = %s"
        return connection.execute(query, [key.strip('"')]).fetchone()[0]
