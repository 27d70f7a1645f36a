"""What workers answer has the form that the description promises for the type of job."""

from __future__ import annotations

from uuid import uuid4

import pytest
from compreface_clients import new_services
from description import OPERATIONS, validator
from factories import image_bytes

from deploy.local.paths import PROJECT


@pytest.fixture(scope="module")
def collection(service):
    """A collection with the first two people of the samples."""
    train = PROJECT / "var" / "samples" / "train"
    with service.client() as http:
        name = http.post("/v1/collections", json={"name": f"results {uuid4()}"}).json()["id"]
        for person in sorted(train.iterdir())[:2]:
            files = [("image", one.read_bytes()) for one in sorted(person.glob("*.jpg"))[:3]]
            enrolment = http.post(
                f"/v1/collections/{name}/faces",
                params={"wait": 60},
                data={"subject": person.name},
                files=files,
            )
            assert enrolment.json()["state"] == "succeeded", enrolment.text
    return name


@pytest.fixture
def run(service, collection):
    """Return a function that runs an operation's example to the end of its job."""

    def run(name, **places):
        method, path, operation = OPERATIONS[name]
        content = operation.get("requestBody", {}).get("content", {})
        with service.client() as http:
            answer = http.request(
                method,
                path.format(**{"collection": collection, **places}),
                params={"wait": 60},
                json=content["application/json"]["example"] if content else None,
            )
        assert answer.status_code == 200, answer.text
        for schema in (
            operation["responses"]["200"]["content"]["application/json"]["schema"],
            {"$ref": "#/components/schemas/JobResource"},
        ):
            validator(schema).validate(answer.json())
        assert answer.json()["state"] == "succeeded", answer.text
        return answer.json()["result"]

    return run


def test_the_examples_show_a_face_that_is_found_learned_and_known_again(run):
    (image,) = run("create_detection")["images"]
    assert len(image["faces"]) == 1
    (image,) = run("create_embedding")["images"]
    assert len(image["faces"][0]["embedding"]) == 128
    assert run("create_verification")["decision"] == "match"
    assert run("create_face")["subject"] == "Ann"
    (image,) = run("create_recognition")["images"]
    (face,) = image["faces"]
    assert (face["decision"], face["candidates"][0]["subject"]) == ("match", "Ann")
    receipt = run("delete_subject", subject="Ann")
    assert (receipt["erased"], receipt["stores"]["faces"]) == ("subject", 1)


def test_a_training_answers_as_described(run):
    assert run("create_training")["subjects"] == 2


def test_images_that_were_cut_or_show_nobody_are_answered_as_described(service, collection):
    photograph = next((PROJECT / "var" / "samples" / "val").glob("*/*.jpg")).read_bytes()
    sent = (photograph, photograph[: len(photograph) * 9 // 10], image_bytes())
    with service.client() as http:
        job = http.post(
            f"/v1/collections/{collection}/faces",
            params={"wait": 60, "face_policy": "largest"},
            files=[("image", one) for one in sent],
        ).json()
    validator({"$ref": "#/components/schemas/EnrolmentJob"}).validate(job)
    whole, cut, empty = job["result"]["images"]
    assert not whole.keys() & {"error", "warnings"}
    assert cut["warnings"] == ["incomplete"]
    assert empty["error"]["type"] == "/problems/no-face"
    assert not empty.keys() & {"width", "height", "warnings"}


def test_jobs_of_other_apis_are_listed_as_described(service):
    keys = new_services(service)
    photograph = next((PROJECT / "var" / "samples" / "val").glob("*/*.jpg")).read_bytes()
    calls = (
        ("recognition", "/api/v1/recognition/faces?subject=Ann", ["file"]),
        ("recognition", "/api/v1/recognition/recognize?face_plugins=calculator", ["file"]),
        ("detection", "/api/v1/detection/detect", ["file"]),
        ("verify", "/api/v1/verification/verify", ["source_image", "target_image"]),
    )
    with service.client() as http:
        for kind, path, names in calls:
            files = [(name, ("a.jpg", photograph)) for name in names]
            answer = http.post(path, files=files, headers={"x-api-key": keys[kind]})
            assert answer.is_success, answer.text
        listed = http.get("/v1/jobs", params={"page_size": 200}).json()
    validator({"$ref": "#/components/schemas/JobPage"}).validate(listed)
    results = [job["result"] for job in listed["items"] if job["result"]]
    assert any("targets" in result for result in results)
    assert any("score_threshold" not in result and "model" in result for result in results)
