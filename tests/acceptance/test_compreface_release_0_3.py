"""CompreFace's API of 2020, whose matcher is trained, against the whole service."""

from __future__ import annotations

import httpx
import psycopg
import pytest
from compreface_clients import new_services

from deploy.local.paths import PROJECT

R = "/api/v1"
READY = (200, {"status": "Ready to start training"})


@pytest.fixture
def client(service):
    headers = {"x-api-key": new_services(service, "recognition")["recognition"]}
    options = {"headers": headers, "timeout": 60, "trust_env": False}
    with httpx.Client(base_url=service.base_url, **options) as client:
        yield client


@pytest.fixture(scope="module")
def people():
    folders = sorted((PROJECT / "var" / "samples" / "train").iterdir())
    return {folder.name: sorted(folder.glob("*.jpg"))[:3] for folder in folders[:2]}


@pytest.fixture
def add(client):
    def add(name, file, **parameters):
        files = {"file": (file.name, file.read_bytes())}
        return client.post(f"{R}/faces", params={"subject": name, **parameters}, files=files)

    return add


def told(answer):
    return answer.status_code, answer.json()


def wait_until_trained(client):
    for _ in range(600):
        if told(client.get(f"{R}/retrain")) == READY:
            return
    raise AssertionError("the training does not end")


@pytest.fixture
def enrolled(add, people):
    """Six faces of two people, not trained."""
    return [
        add(name, file, retrain="no").json() for name, files in people.items() for file in files
    ]


def test_faces_are_learnt_trained_recognised_and_forgotten(client, enrolled, photographs):
    assert told(client.get(f"{R}/faces")) == (200, {"faces": enrolled})
    files = {"file": ("probe.jpg", photographs[0].read_bytes())}
    untrained = client.post(f"{R}/recognize", files=files)
    assert told(untrained) == (400, {"message": "Model is not trained", "code": 29})
    assert told(client.post(f"{R}/retrain")) == (202, {"status": "Training is started"})
    wait_until_trained(client)
    [face] = client.post(f"{R}/recognize?prediction_count=2", files=files).json()["result"]
    assert face.keys() == {"box", "faces"}
    first, second = face["faces"]
    assert first["subject"] == photographs[0].parent.name
    assert first["similarity"] > second["similarity"]
    asked = f"{R}/recognize?face_plugins=calculator"  # which this release does not know
    [plain] = client.post(asked, files=files).json()["result"]
    assert plain.keys() == {"box", "faces"}
    one = enrolled[0]
    assert told(client.delete(f"{R}/faces/{one['image_id']}?retrain=no")) == (200, one)
    name = enrolled[-1]["subject"]
    forgotten = client.delete(f"{R}/faces", params={"subject": name, "retrain": "no"})
    assert forgotten.json() == enrolled[3:]
    assert client.delete(f"{R}/faces").json() == enrolled[1:3]
    assert told(client.get(f"{R}/retrain")) == READY


def test_the_first_face_is_not_trained_unless_that_is_asked_for(client, add, people):
    file = next(iter(people.values()))[0]
    assert add("Ann", file).status_code == 201
    too_few = (400, {"message": "Model should contain at least 2 faces", "code": 30})
    assert told(add("Ann", file, retrain="no")) != too_few
    client.delete(f"{R}/faces")
    assert told(add("Ann", file, retrain="YES")) == too_few
    assert len(client.get(f"{R}/faces").json()["faces"]) == 1
    assert told(client.post(f"{R}/retrain")) == too_few


@pytest.fixture
def training(service, client, enrolled):
    """A training that has not ended, as it is where no worker is free."""
    [job_id] = client_jobs(service, client)
    return job_id


def client_jobs(service, client):
    """Store a training job as a busy service would have it: queued, its message not yet due."""
    with psycopg.connect(service.database_url(), autocommit=True) as database:
        owner, collection = database.execute(
            "select id, collection_id from services order by created_at desc limit 1"
        ).fetchone()
        return database.execute(
            "insert into jobs (id, type, state, owner_id, collection_id, parameters, done, total,"
            " attempt, losses, publish_at, publishes, created_at) values (gen_random_uuid(),"
            " 'training', 'queued', %s, %s, '{}', 0, 0, 0, 0, now() + interval '1 hour', 1,"
            " now()) returning id",
            [owner, collection],
        ).fetchone()


@pytest.mark.usefixtures("training")
def test_while_a_training_runs_others_are_refused_or_replace_it(client, add, people, photographs):
    file = next(iter(people.values()))[0]
    files = {"file": ("probe.jpg", photographs[0].read_bytes())}
    locked = client.post(f"{R}/recognize", files=files)
    assert told(locked) == (423, {"status": "Model is locked now, try later"})
    status = client.get(f"{R}/retrain")
    assert told(status) == (202, {"status": "Retraining has been previously started"})
    assert told(client.post(f"{R}/retrain")) == (
        400,
        {"message": "Previous retraining has not been finished yet", "code": 28},
    )
    assert told(add("Ann", file, retrain="yes")) == (
        400,
        {"message": "Classifier training is already in progress", "code": 27},
    )
    assert any(one["subject"] == "Ann" for one in client.get(f"{R}/faces").json()["faces"])
    assert add("Ann", file, retrain="whatever").status_code == 201
    wait_until_trained(client)
    stopped = client.delete(f"{R}/retrain")
    assert told(stopped) == (202, {"status": "Retraining is ensured to be stopped"})


@pytest.mark.usefixtures("training")
def test_a_training_can_be_stopped(client):
    assert client.delete(f"{R}/retrain").status_code == 202
    assert told(client.get(f"{R}/retrain")) == READY
