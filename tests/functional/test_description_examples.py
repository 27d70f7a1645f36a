"""Every example of the description runs as it stands, and does what the defaults do."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from description import OPERATIONS, resolved, validator
from sqlalchemy import text

from app.domain.delivery import Attempt, DeliveryState
from app.domain.errors import NoFaceError
from app.domain.reembedding import ReembeddingState


class Reader:
    """Somebody who runs the examples one after another, and types in ids that answers gave."""

    def __init__(self, client):
        self._client = client
        self.ids = {"slug": "not-found"}
        self.done = set()

    def run(self, name, **ids):
        """Run an example; return the answer, which is a success that the description names."""
        method, path, operation = OPERATIONS[name]
        places = {one["name"]: str(one.get("example", "")) for one in operation["parameters"]} | {
            key: str(value) for key, value in (self.ids | ids).items()
        }
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        answer = self._client.open(
            re.sub(r"{(\w+)}", lambda found: places[found[1]], path),
            method=method.upper(),
            json=body.get("example"),
        )
        assert answer.status_code < 300, (name, answer.text)
        described = operation["responses"][str(answer.status_code)]
        for kind, media in described.get("content", {}).items():
            if kind == "application/json":
                validator(media["schema"]).validate(answer.json)
        assert answer.mimetype in described.get("content", {answer.mimetype})
        self._did_what_the_defaults_do(name, body, answer)
        self.done.add(name)
        return answer.json if answer.is_json else answer.data

    def run_all(self, *names):
        for name in names:
            self.run(name)

    def _did_what_the_defaults_do(self, name, body, answer):
        if "schema" not in body or not answer.is_json:
            return
        for member, schema in resolved(body["schema"]).get("properties", {}).items():
            if member in answer.json:
                default = schema.get("default")
                if isinstance(default, list):
                    assert sorted(answer.json[member]) == sorted(default), (name, member)
                elif "default" in schema:
                    assert answer.json[member] == default, (name, member)


@pytest.fixture
def reader(admin):
    return Reader(admin)


class Workers:
    """What workers do meanwhile, in a word each."""

    def __init__(self, container, owner_engine, work_off):
        self._container = container
        self._engine = owner_engine
        self.work_off = work_off

    def bury(self, job_id):
        """Let a job die."""
        with self._engine.begin() as connection:
            connection.execute(
                text("UPDATE jobs SET state = 'dead', finished_at = now() WHERE id = :id"),
                {"id": job_id},
            )

    def deliver(self, delivery_id):
        """Deliver an event."""
        now = self._container.clock.now()
        with self._container.uow() as work:
            found = work.deliveries.claim(UUID(delivery_id), now=now, lease=timedelta(minutes=1))
            attempt = Attempt(delivery_id=found.id, number=found.attempt, at=now, status_code=204)
            work.deliveries.record(attempt, state=DeliveryState.DELIVERED, next_attempt_at=None)
            work.commit()

    def change_model(self, change_id):
        """Embed the faces of a collection, which has none, by the other model."""
        with self._container.uow() as work:
            change = work.reembeddings.get(UUID(change_id))
            home = work.collections.get(change.collection_id)
            work.collections.update(replace(home, second_model=change.model))
            work.reembeddings.update(replace(change, state=ReembeddingState.READY))
            work.commit()

    def settle(self, change_id):
        """Do away with the vectors of the other model."""
        with self._container.uow() as work:
            change = work.reembeddings.get(UUID(change_id))
            work.reembeddings.update(replace(change, state=ReembeddingState.CANCELLED))
            work.commit()


@pytest.fixture
def workers(container, owner_engine, work_off):
    return Workers(container, owner_engine, work_off)


def test_every_example_runs_and_does_what_the_defaults_do(reader, admin, web_container, workers):
    run_beside_the_api(reader, web_container)
    run_collections_and_people(reader)
    run_faces(reader, workers)
    admin.patch("/v1/collections/staff", json={"keep_probes": True})
    run_jobs(reader, workers)
    run_webhooks(reader, workers)
    run_keys(reader)
    run_erasures(reader, workers)
    run_changes_of_model(reader, workers)
    reader.run("delete_collection")
    assert reader.done == OPERATIONS.keys()


def run_beside_the_api(reader, web_container):
    reader.run_all("get_liveness", "get_readiness", "get_problem_type", "get_metrics")
    well = dict.fromkeys(web_container.check_parts(), True)
    object.__setattr__(web_container, "check_parts", lambda: well)
    reader.run_all("get_working_parts", "list_models")


def run_collections_and_people(reader):
    reader.run_all("create_collection", "list_collections", "get_collection", "update_collection")
    reader.run_all("place_collection_hold", "get_collection_hold", "lift_collection_hold")
    reader.run_all("create_subject", "list_subjects", "get_subject", "update_subject")
    reader.run_all("place_subject_hold", "get_subject_hold", "lift_subject_hold")
    reader.ids["consent_id"] = reader.run("create_consent")["id"]
    reader.run("list_consents")


def run_faces(reader, workers):
    enrolment = reader.run("create_face")
    workers.work_off(UUID(enrolment["id"]))
    enrolled = reader.run("get_job", job_id=enrolment["id"])["result"]
    assert enrolled["subject"] == "Ann"
    reader.ids["face_id"] = enrolled["face_ids"][0]
    reader.run_all("list_faces", "get_face", "get_face_image", "update_face")


def run_jobs(reader, workers):
    reader.ids["job_id"] = reader.run("create_recognition")["id"]
    workers.work_off(UUID(reader.ids["job_id"]), error=NoFaceError())
    reader.run_all("list_jobs", "get_job_image", "delete_job")
    reader.ids["job_id"] = reader.run("create_detection")["id"]
    reader.run_all("cancel_job", "create_verification")
    reader.ids["job_id"] = reader.run("create_embedding")["id"]
    workers.bury(reader.ids["job_id"])
    reader.run_all("requeue_job", "create_training", "list_trainings")


def run_webhooks(reader, workers):
    reader.ids["endpoint_id"] = reader.run("create_endpoint")["id"]
    reader.run_all("list_endpoints", "get_endpoint", "update_endpoint", "rotate_endpoint_secret")
    reader.ids["delivery_id"] = reader.run("test_endpoint")["id"]
    workers.deliver(reader.ids["delivery_id"])
    reader.run_all("list_deliveries", "get_delivery", "list_attempts", "redeliver")
    reader.run_all("redeliver_range", "delete_endpoint")


def run_keys(reader):
    reader.ids["key_id"] = reader.run("create_key")["id"]
    reader.run_all("list_keys", "get_key", "rotate_key", "delete_key", "list_audits")


def run_erasures(reader, workers):
    reader.run_all("delete_face", "withdraw_consent", "create_consent")
    workers.work_off(UUID(reader.run("create_face")["id"]))
    reader.run("delete_subject")


def run_changes_of_model(reader, workers):
    reader.ids["reembedding_id"] = reader.run("create_reembedding")["id"]
    reader.run_all("list_reembeddings", "pause_reembedding", "resume_reembedding")
    reader.run("cancel_reembedding")
    workers.settle(reader.ids["reembedding_id"])
    reader.ids["reembedding_id"] = reader.run("create_reembedding")["id"]
    workers.change_model(reader.ids["reembedding_id"])
    reader.run_all("activate_reembedding", "roll_back_reembedding", "activate_reembedding")
    reader.run_all("finish_reembedding", "get_reembedding")
