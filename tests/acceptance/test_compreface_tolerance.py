"""What clients send beside the documentation, and what they rely on beside it."""

from __future__ import annotations

import io

import httpx
import pytest
from compreface_clients import new_services
from PIL import Image, ImageOps

R = "/api/v1/recognition"


@pytest.fixture(scope="module")
def keys(service):
    return new_services(service, "recognition", "verify")


@pytest.fixture(scope="module")
def client(service, keys):
    headers = {"X-API-KEY": keys["recognition"]}
    options = {"headers": headers, "timeout": 60, "trust_env": False}
    with httpx.Client(base_url=service.base_url, **options) as client:
        yield client


@pytest.fixture(scope="module")
def picture(photographs):
    return photographs[0].read_bytes()


@pytest.fixture(scope="module")
def ann(client, picture):
    """The id of Ann's second example; the first one is the same photograph."""
    files = {"file": ("ann.jpg", picture)}
    client.post(f"{R}/faces", params={"subject": "Ann"}, files=files)
    return client.post(f"{R}/faces", data={"subject": "ann"}, files=files).json()["image_id"]


def recognize(client, picture, query="", name="ann.jpg", **form):
    return client.post(f"{R}/recognize{query}", files={"file": (name, picture)}, data=form)


@pytest.mark.parametrize(
    "query",
    [
        "?&limit=0",
        "?limit=&det_prob_threshold=&prediction_count=&status=&face_plugins=",
        "?threshold=&face_plugins=&unknown=1",
        "?face_plugins=undefined&limit=undefined",
        "?det_prob_threshold=0.8?face_plugins=age?status=false",
        "/?limit=0",
        "?face_plugins=no+such,other",
    ],
)
@pytest.mark.usefixtures("ann")
def test_untidy_parameters_are_understood(client, picture, query):
    answer = recognize(client, picture, query)
    assert answer.status_code == 200
    assert answer.json()["result"][0].keys() == {"box", "subjects"}


@pytest.mark.parametrize("yes", ["true", "True", "on", "YES", "1"])
def test_a_truth_value_has_many_spellings(client, picture, yes):
    assert "plugins_versions" in recognize(client, picture, f"?status={yes}").json()
    assert "plugins_versions" not in recognize(client, picture, "?status=False").json()


@pytest.mark.parametrize(
    "query",
    [
        "?face_plugins=landmarks&face_plugins=pose",
        "?face_plugins=landmarks,%20pose",
        "?face_plugins=+landmarks+,+pose",
    ],
)
def test_plugins_may_be_repeated_or_spaced(client, picture, query):
    [face] = recognize(client, picture, query).json()["result"]
    assert len(face["landmarks"]) == 5
    assert face["pose"].keys() == {"pitch", "roll", "yaw"}
    assert all(abs(angle) < 45 for angle in face["pose"].values())


@pytest.mark.usefixtures("ann")
def test_parameters_may_stand_in_the_form(client, picture):
    [face] = recognize(client, picture, prediction_count="2", limit="1").json()["result"]
    assert [one["subject"] for one in face["subjects"]] == ["Ann", "Ann"]


@pytest.mark.usefixtures("ann")
def test_a_prediction_is_an_example_unless_they_shall_be_distinct(client, picture):
    query = "?prediction_count=5&distinct=true"
    [face] = recognize(client, picture, query).json()["result"]
    assert [one["subject"] for one in face["subjects"]] == ["Ann"]


def test_a_json_content_type_without_a_body_does_no_harm(client, ann):
    headers = {"content-type": "application/json"}
    for path in ("subjects", "subjects/", "faces", "faces/"):
        assert client.get(f"{R}/{path}", headers=headers).status_code == 200
    answer = client.delete(f"{R}/faces/{ann}", headers=headers)
    assert answer.json() == {"image_id": ann, "subject": "Ann"}


def test_unknown_members_of_a_body_are_ignored(client):
    body = {"subject": "Cleo", "api_endpoint": "x"}
    assert client.post(f"{R}/subjects/", json=body).status_code == 201
    assert client.put(f"{R}/subjects/CLEO/", json={"subject": "cleo"}).json() == {"updated": True}
    assert client.delete(f"{R}/subjects/cleo/").json() == {"subject": "cleo"}


@pytest.mark.parametrize("name", ["/home/me/Face.JPG", "C:\\faces\\a.jpeg", "image.png"])
def test_only_the_end_of_a_file_name_matters(client, picture, name):
    assert recognize(client, picture, name=name).status_code == 200


def test_a_part_may_lack_a_content_type(client, picture):
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="image.jpg"\r\n\r\n'
        + picture
        + b"\r\n--b--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert client.post(f"{R}/recognize", content=body, headers=headers).status_code == 200


def test_pages_of_other_origins_may_call(client, service):
    with httpx.Client(base_url=service.base_url, trust_env=False) as page:
        asked = page.options(f"{R}/recognize", headers={"origin": "http://page.example"})
    assert asked.status_code == 204
    assert asked.headers["access-control-max-age"] == "1728000"
    for answer in (asked, client.get(f"{R}/subjects"), client.get(f"{R}/nothing")):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "x-api-key" in answer.headers["access-control-allow-headers"]


def test_the_turn_that_a_camera_notes_is_undone(client, picture):
    upright = Image.open(io.BytesIO(picture)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    target = io.BytesIO()
    upright.rotate(90, expand=True).save(target, "JPEG", quality=95, exif=exif)
    assert ImageOps.exif_transpose(Image.open(target)).size == upright.size
    [face] = recognize(client, target.getvalue()).json()["result"]
    [as_was] = recognize(client, picture).json()["result"]
    for edge in ("x_min", "y_min", "x_max", "y_max"):
        assert abs(face["box"][edge] - as_was["box"][edge]) < 6


def test_subjects_keep_their_case_but_are_found_without_it(client, picture):
    files = {"file": ("dora.jpg", picture)}
    client.post(f"{R}/faces?subject=Dora", files=files)
    assert client.post(f"{R}/faces?subject=DORA", files=files).json()["subject"] == "DORA"
    assert client.get(f"{R}/faces?subject=Dora").json()["total_elements"] == 2
    assert client.get(f"{R}/faces?subject=dora").json()["total_elements"] == 0
    assert "DORA" not in client.get(f"{R}/subjects").json()["subjects"]
    assert client.delete(f"{R}/faces?subject=dOrA").json() == {"deleted": 2}
    assert "Dora" not in client.get(f"{R}/subjects").json()["subjects"]
    assert client.delete(f"{R}/faces?subject=nobody").json() == {"deleted": 0}


def test_a_name_that_exists_takes_the_examples_of_the_other_over(client, picture):
    files = {"file": ("a.jpg", picture)}
    for name in ("Eve", "Eva"):
        client.post(f"{R}/faces", params={"subject": name}, files=files)
    assert client.put(f"{R}/subjects/Eve", json={"subject": "Eva"}).json() == {"updated": True}
    assert client.put(f"{R}/subjects/Eva", json={"subject": "Eva"}).json() == {"updated": False}
    assert client.get(f"{R}/faces?subject=Eva").json()["total_elements"] == 2
    assert "Eve" not in client.get(f"{R}/subjects").json()["subjects"]


@pytest.mark.parametrize("name", ["[1] Ann", "a;b", "100 %", "Ann/Lee", "李", "a?b&c=d"])
def test_no_name_breaks_its_routes(client, picture, name):
    files = {"file": ("a.jpg", picture)}
    added = client.post(f"{R}/faces", params={"subject": name}, files=files)
    assert added.json()["subject"] == name
    escaped = httpx.URL("http://x").copy_with(params={"n": name}).query.decode()[2:]
    answer = client.delete(f"{R}/subjects/{escaped.replace('+', '%20')}")
    assert answer.json() == {"subject": name}


def test_pages_of_examples_are_counted_from_zero(client, picture):
    client.delete(f"{R}/subjects")
    files = {"file": ("a.jpg", picture)}
    ids = [client.post(f"{R}/faces?subject=Fay", files=files).json()["image_id"] for _ in range(3)]
    page = client.get(f"{R}/faces?page=1&size=2&sort=subject").json()
    assert page == {
        "faces": [{"image_id": ids[2], "subject": "Fay"}],
        "page_number": 1,
        "page_size": 2,
        "total_pages": 2,
        "total_elements": 3,
    }
    assert client.delete(f"{R}/faces").json() == {"deleted": 3}
    empty = client.get(f"{R}/faces").json()
    assert (empty["faces"], empty["total_pages"], empty["page_size"]) == ([], 0, 20)


def test_an_empty_collection_is_no_error(client, picture):
    client.delete(f"{R}/subjects")
    [face] = recognize(client, picture).json()["result"]
    assert face["subjects"] == []


def test_the_limits_and_the_state_are_told_without_a_key(service):
    with httpx.Client(base_url=service.base_url, trust_env=False) as anyone:
        assert anyone.get("/api/v1/config").json().keys() == {
            "clientMaxFileSize",
            "clientMaxBodySize",
        }
        assert anyone.get("/api/v1/consistence/status").json() == {
            "demoFaceCollectionIsInconsistent": False,
            "dbIsInconsistent": False,
            "saveImagesToDB": True,
            "status": "OK",
        }
        assert anyone.post("/api/v1/migrate").json()["code"] == 20


def test_embeddings_are_searched_and_compared_without_an_image(client, service, keys, picture):
    files = {"file": ("a.jpg", picture)}
    image_id = client.post(f"{R}/faces?subject=Gil", files=files).json()["image_id"]
    [face] = recognize(client, picture, "?face_plugins=calculator").json()["result"]
    near, far = face["embedding"], [-value for value in face["embedding"]]
    found = client.post(f"{R}/embeddings/recognize", json={"embeddings": [far, near]}).json()
    assert [one["embedding"] for one in found["result"]] == [far, near]
    assert found["result"][1]["similarities"] == [{"subject": "Gil", "similarity": 1.0}]
    compared = client.post(
        f"{R}/embeddings/faces/{image_id}/verify", json={"embeddings": [far, near]}
    ).json()["result"]
    assert [one["embedding"] for one in compared] == [near, far]
    with httpx.Client(base_url=service.base_url, trust_env=False) as other:
        verified = other.post(
            "/api/v1/verification/embeddings/verify",
            json={"source": [3 * value for value in near], "targets": [far, near]},
            headers={"x-api-key": keys["verify"]},
        ).json()["result"]
    assert [one["similarity"] for one in verified] == [1.0, 0.0]


def test_a_call_can_be_seen_as_a_job_by_an_administrator(client, service, picture):
    recognize(client, picture)
    with service.client() as admin:
        [job, *_] = admin.get("/v1/jobs?type=recognition").json()["items"]
    assert job["state"] == "succeeded"
