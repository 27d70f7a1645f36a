"""Flower shows operators what runs, and nobody what it was asked."""

from __future__ import annotations

import json

import httpx
import psutil
import pytest

from deploy.local.waiting import wait_until

PATIENCE_S = 120


@pytest.fixture(scope="module")
def access(service):
    return json.loads((service.state / "access.json").read_text())


@pytest.fixture(scope="module")
def flower(access):
    login = (access["flower_user"], access["flower_password"])
    with httpx.Client(base_url=access["flower_url"], auth=login, timeout=30) as http:
        yield http


@pytest.fixture(scope="module")
def task(service, flower, photographs):
    """A task that Flower has seen, and the ids of the jobs of which it may have been told."""
    jobs = []

    def seen():
        """Run one more task: events are not kept for one who listens late or too slowly."""
        jobs.append(_embed(service, photographs[0]))
        return flower.get("/api/tasks", params={"taskname": "recognition.embedding"}).json()

    wait_until(lambda: bool(seen()), PATIENCE_S, "Flower to see a task")
    return next(iter(seen())), jobs


def _embed(service, photograph):
    with service.client() as http:
        answer = http.post(
            "/v1/embeddings",
            files={"image": photograph.read_bytes()},
            headers={"prefer": "wait=30"},
        )
    return answer.json()["id"]


def test_flower_answers_nobody_without_the_password(access, task):
    for path in ("/", "/tasks", "/broker", "/api/tasks", f"/task/{task[0]}"):
        assert httpx.get(access["flower_url"] + path).status_code == 401, path
        wrong = (access["flower_user"], "guessed")
        assert httpx.get(access["flower_url"] + path, auth=wrong).status_code == 401, path


def test_flower_tells_without_the_password_that_it_lives(access):
    answer = httpx.get(access["flower_url"] + "/healthcheck")
    assert (answer.status_code, answer.text) == (200, "OK")


def test_flower_listens_on_loopback_alone(access):
    port = httpx.URL(access["flower_url"]).port
    listening = {
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_flower_shows_neither_arguments_nor_results(flower, task):
    tasks = flower.get("/api/tasks").json().values()
    # Of a task whose first event Flower missed, it knows neither.
    assert {shown["args"] for shown in tasks} <= {None, "", "()", "hidden"}
    assert {shown["kwargs"] for shown in tasks} <= {None, "", "{}", "hidden"}
    assert {shown["result"] for shown in tasks} <= {None, "None", "hidden"}
    for page in ("/api/tasks", f"/api/task/info/{task[0]}", f"/task/{task[0]}", "/tasks"):
        answer = flower.get(page)
        assert answer.is_success
        assert not [job for job in task[1] if job in answer.text], page
