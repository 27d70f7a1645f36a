"""CompreFace's own clients, unmodified, against the whole service."""

from __future__ import annotations

from shutil import copyfile
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from compreface_clients import drive, new_services, node_with, photograph_url, python_with, script  # noqa: F401
from factories import image_bytes

from deploy.local.paths import PROJECT


@pytest.fixture
def plan(service, tmp_path):
    people = sorted((PROJECT / "var" / "samples" / "train").iterdir())
    first, second = (sorted(person.glob("*.jpg")) for person in people[:2])
    empty = tmp_path / "wall.jpg"
    empty.write_bytes(image_bytes(size=(320, 240)))
    address = urlsplit(service.base_url)
    return {
        "domain": f"http://{address.hostname}",
        "port": str(address.port),
        "keys": new_services(service),
        "photographs": [str(first[0]), str(first[1]), str(second[0])],
        "empty": str(empty),
    }


def check_box(box):
    assert box.keys() == {"probability", "x_min", "y_min", "x_max", "y_max"}
    assert 0.8 < box["probability"] <= 1
    assert all(isinstance(box[edge], int) for edge in ("x_min", "y_min", "x_max", "y_max"))
    assert 0 <= box["x_min"] < box["x_max"]
    assert 0 <= box["y_min"] < box["y_max"]


def check_similarity(value, *, same):
    assert round(value, 5) == value
    assert 0.5 < value <= 1 if same else 0 <= value < 0.5


def check_plugins(face, *, landmarks=True, calculator=True):
    check_box(face["box"])
    assert ("landmarks" in face) == landmarks
    assert ("embedding" in face) == calculator
    if landmarks:
        assert len(face["landmarks"]) == 5
        assert all(isinstance(value, int) for point in face["landmarks"] for value in point)
    if calculator:
        assert len(face["embedding"]) == 128
    assert not face.keys() & {"age", "gender", "mask"}


def check_crud(answers):
    assert answers["subjects.add"] == {"subject": "Ann"}
    assert answers["subjects.add twice"] == {"message": "Subject already exists", "code": 43}
    assert answers["subjects.update"] == {"updated": True}
    assert answers["subjects.list"] == {"subjects": ["Ann Lee"]}
    for name, subject in (("faces.add", "Ann Lee"), ("faces.add bytes", "Bob")):
        assert answers[name].keys() == {"image_id", "subject"}
        assert answers[name]["subject"] == subject
        UUID(answers[name]["image_id"])
    assert answers["faces.add nothing"] == {
        "message": "No face is found in the given image",
        "code": 28,
    }
    listed = answers["faces.list"]
    assert answers["faces.add"] in listed["faces"]
    assert answers["faces.add bytes"] in listed["faces"]
    assert (listed["page_number"], listed["total_pages"]) == (0, 1)
    assert listed["total_elements"] == len(listed["faces"])
    assert answers["faces.delete"] == answers["faces.add"]
    assert answers["subjects.delete"] == {"subject": "Ann Lee"}
    assert answers["subjects.delete_all"] == {"deleted": 1}


def check_recognition(answer, *, first="Ann Lee", count=2):
    [face] = answer["result"]
    check_plugins(face)
    assert len(face["subjects"]) == count
    assert face["subjects"][0]["subject"] == first
    check_similarity(face["subjects"][0]["similarity"], same=True)
    check_similarity(face["subjects"][1]["similarity"], same=False)


def check_times(face, answer):
    assert face["execution_time"]["detector"] > 0
    assert answer["plugins_versions"]["detector"]
    assert answer["plugins_versions"]["calculator"]


def check_example(answer):
    [face] = answer["result"]
    check_box(face["box"])
    assert face["subject"] == "Ann Lee"
    check_similarity(face["similarity"], same=True)


def check_comparison(answer, *, same):
    [pair] = answer["result"]
    check_box(pair["source_image_face"]["box"])
    [match] = pair["face_matches"]
    check_box(match["box"])
    check_similarity(match["similarity"], same=same)


def test_every_call_of_the_official_python_client_is_answered_as_by_compreface(plan):
    python = python_with("compreface-sdk==0.6.0", "urllib3<2")
    answers = drive([python, script("official_python.py")], plan)
    check_crud(answers)
    check_recognition(answers["recognize"])
    check_times(answers["recognize"]["result"][0], answers["recognize"])
    [face] = answers["recognize bytes"]["result"]
    assert face.keys() == {"box", "subjects"}
    assert [one["subject"] for one in face["subjects"]] == ["Ann Lee"]
    [bare] = answers["recognize without options"]["result"]
    assert bare.keys() == {"box", "subjects"}
    assert answers["recognize with True"]["result"][0]["execution_time"]
    check_example(answers["faces.verify"])
    check_example(answers["faces.verify with options"])
    check_plugins(answers["detect"]["result"][0])
    check_times(answers["detect"]["result"][0], answers["detect"])
    check_plugins(answers["detect with options"]["result"][0], calculator=False)
    check_comparison(answers["verify"], same=True)
    check_times(answers["verify"]["result"][0]["source_image_face"], answers["verify"]["result"][0])
    check_comparison(answers["verify with options"], same=False)
    assert answers["faces.delete twice"]["code"] == 44
    assert answers["faces.delete_all"] == {"deleted": 1}
    assert answers["subjects.delete twice"] == {"message": "Subject Ann Lee not found", "code": 42}


def test_every_call_of_the_community_python_client_is_answered_as_by_compreface(plan):
    python = python_with("compreface-sdk-python==1.0.6")
    for answers in drive([python, script("community_python.py")], plan):
        check_crud(answers)
        check_recognition(answers["recognize"])
        check_times(answers["recognize"]["result"][0], answers["recognize"])
        assert answers["recognize base64"]["result"][0]["subjects"][0]["subject"] == "Bob"
        [cropped] = answers["recognize cropped"]["result"]
        assert cropped["landmarks"] == [[], [], [], [], []]
        assert "pose" not in cropped
        assert answers["faces.list of Bob"]["total_elements"] == 1
        assert answers["faces.list of Bob"]["page_size"] == 1
        assert len(set(answers["sizes"])) == 1
        assert answers["sizes"][0] > 1000
        check_example(answers["faces.verify"])
        check_example(answers["faces.verify base64"])
        check_plugins(answers["detect"]["result"][0])
        check_plugins(answers["detect base64"]["result"][0], landmarks=False, calculator=False)
        check_comparison(answers["verify"], same=True)
        check_comparison(answers["verify base64"], same=False)
        assert answers["faces.delete several"] == [answers["faces.add bytes"]]
        assert answers["faces.delete_all"] == {"deleted": 0}


def test_every_call_of_the_official_javascript_client_is_answered_as_by_compreface(
    plan,
    photograph_url,  # noqa: F811 - the fixture
):
    folder = node_with("@exadel/compreface-js-sdk@1.0.0")
    copyfile(script("official_node.mjs"), folder / "drive.mjs")
    plan["url"] = photograph_url(plan["photographs"][2])
    answers = drive(["node", "drive.mjs"], plan, cwd=folder)
    check_crud(answers)
    assert answers["faces.add url"]["subject"] == "Bob"
    [face] = answers["recognize"]["result"]
    assert [one["subject"] for one in face["subjects"]] == ["Ann Lee", "Bob"]
    check_plugins(face)
    check_times(face, answers["recognize"])
    for name in ("recognize base64", "recognize url"):
        assert answers[name]["result"][0]["subjects"][0]["subject"] == "Bob"
    check_example(answers["faces.verify"])
    check_example(answers["faces.verify base64"])
    check_plugins(answers["detect"]["result"][0])
    check_plugins(answers["detect base64"]["result"][0])
    for name in ("verify", "verify url"):
        check_comparison(answers[name], same=True)
    for name in ("verify base64", "verify url and path"):
        check_comparison(answers[name], same=False)
    assert answers["faces.delete twice"]["code"] == 44
    assert answers["faces.delete several"] == [answers["faces.add bytes"]]
    assert answers["faces.delete_all"] == {"deleted": 1}
    assert answers["faces.delete everything"] == {"deleted": 0}


def test_every_call_of_the_official_javascript_client_takes_the_blobs_of_a_page(plan):
    folder = node_with("@exadel/compreface-js-sdk@1.0.0", "jsdom@26.1.0")
    copyfile(script("browser_hooks.mjs"), folder / "browser_hooks.mjs")
    copyfile(script("official_browser.mjs"), folder / "drive.mjs")
    answers = drive(["node", "drive.mjs"], plan, cwd=folder)
    UUID(answers["faces.add"]["image_id"])
    [face] = answers["recognize"]["result"]
    check_plugins(face)
    assert [one["subject"] for one in face["subjects"]] == ["Ann Lee"]
    check_similarity(face["subjects"][0]["similarity"], same=True)
    check_example(answers["faces.verify"])
    check_plugins(answers["detect"]["result"][0])
    check_comparison(answers["verify"], same=True)
    check_comparison(answers["verify others"], same=False)
