"""CompreFace's table of errors: each row sent, and status, code and message compared."""

from __future__ import annotations

import base64
import io

import httpx
import pytest
from compreface_clients import new_services
from factories import image_bytes
from PIL import Image

UNKNOWN = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
WALL = image_bytes(size=(320, 240))
NO_FACE = (400, 28, "No face is found in the given image")
UNDEFINED = (400, 0, "Something went wrong, please try again")
SPECIAL = "The name cannot contain the following special characters: ';', '/', '\\'"
R, D, V = "/api/v1/recognition", "/api/v1/detection", "/api/v1/verification"
KINDS = {"recognition": "Recognition", "detection": "Detection", "verification": "Verification"}


@pytest.fixture(scope="module")
def keys(service):
    return new_services(service)


@pytest.fixture(scope="module")
def anyone(service):
    with httpx.Client(base_url=service.base_url, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def send(anyone, keys):
    """Return a function that sends a request with the key that its path needs."""

    def send(method, path, **options):
        kind = "recognition" if "recognition" in path else path.split("/")[3]
        key = keys["verify" if kind == "verification" else kind]
        headers = {"x-api-key": key, **options.pop("headers", {})}
        return anyone.request(method, path, headers=headers, **options)

    return send


@pytest.fixture(scope="module")
def crowd(photographs):
    """Two people side by side."""
    people = [Image.open(file).convert("RGB") for file in (photographs[0], photographs[-1])]
    both = Image.new("RGB", (sum(one.width for one in people), max(one.height for one in people)))
    both.paste(people[0], (0, 0))
    both.paste(people[1], (people[0].width, 0))
    target = io.BytesIO()
    both.save(target, "JPEG", quality=95)
    return target.getvalue()


@pytest.fixture(scope="module")
def example(send, photographs):
    """The id of an example."""
    files = {"file": ("ann.jpg", photographs[0].read_bytes())}
    return send("POST", f"{R}/faces?subject=Ann", files=files).json()["image_id"]


def check(answer, expected):
    status, code, message = expected
    assert (answer.status_code, answer.json()) == (status, {"message": message, "code": code})


@pytest.mark.parametrize("path", [f"{R}/subjects", f"{R}/faces", f"{R}/recognize"])
def test_a_call_without_a_key_is_told_of_the_header(anyone, path):
    check(anyone.post(path), (400, 20, "Missing header: x-api-key"))


@pytest.mark.parametrize("key", ["", "short", "x" * 36, "0" * 35])
def test_a_key_that_is_no_uuid_is_refused(anyone, key):
    answer = anyone.get(f"{R}/subjects", headers={"x-api-key": key})
    check(answer, (400, 26, "Service API key should be UUID"))


@pytest.mark.parametrize(
    ("kind", "stated"),
    [
        ("recognition", "detection"),
        ("recognition", "unknown"),
        ("detection", "verify"),
        ("detection", "unknown"),
        ("verification", "recognition"),
        ("verification", "unknown"),
    ],
)
def test_a_key_opens_no_service_of_another_type(anyone, keys, kind, stated):
    key = keys.get(stated, UNKNOWN)
    last = {"recognition": "recognize", "detection": "detect", "verification": "verify"}[kind]
    answer = anyone.post(f"/api/v1/{kind}/{last}", headers={"x-api-key": key})
    check(answer, (404, 10, f"{KINDS[kind]} service with API Key {key} not found"))


FILE = {"file": ("wall.jpg", WALL)}
PAIR = {"source_image": ("a.jpg", WALL), "target_image": ("b.jpg", WALL)}
BASE64 = base64.b64encode(WALL).decode()
ROWS = [
    ("POST", f"{R}/subjects", {"json": {}}, (400, 26, "Subject name cannot be empty")),
    (
        "POST",
        f"{R}/subjects",
        {"json": {"subject": " "}},
        (400, 26, "Subject name cannot be empty"),
    ),
    (
        "POST",
        f"{R}/subjects",
        {"json": {"subject": "x" * 51}},
        (400, 26, "Subject name size must be between 1 and 50"),
    ),
    *[
        ("POST", f"{R}/subjects", {"json": {"subject": f"a{mark}b"}}, (400, 36, SPECIAL))
        for mark in ";/\\"
    ],
    ("PUT", f"{R}/subjects/nobody", {"json": {"subject": "a;b"}}, (400, 36, SPECIAL)),
    (
        "PUT",
        f"{R}/subjects/nobody",
        {"json": {"subject": "somebody"}},
        (404, 42, "Subject nobody not found"),
    ),
    ("DELETE", f"{R}/subjects/nobody", {}, (404, 42, "Subject nobody not found")),
    ("POST", f"{R}/faces", {"files": FILE}, (400, 33, "Required parameter subject is missing")),
    ("POST", f"{R}/faces?subject=", {"files": FILE}, (400, 26, "Subject name is empty; ")),
    ("POST", f"{R}/faces?subject=a", {"files": FILE}, NO_FACE),
    (
        "POST",
        f"{R}/faces?subject=a",
        {"files": {"other": ("wall.jpg", WALL)}},
        (400, 34, "Required part file is missing"),
    ),
    ("POST", f"{R}/faces?subject=a", {"content": b"x"}, UNDEFINED),
    (
        "POST",
        f"{R}/faces?subject=a",
        {"files": {"file": ("notes.txt", WALL)}},
        (400, 21, "File [notes.txt] has an unavailable extension"),
    ),
    (
        "POST",
        f"{R}/faces?subject=a",
        {"json": {}},
        (400, 5, "Field content cannot be empty"),
    ),
    (
        "POST",
        f"{R}/faces?subject=a",
        {"json": {"file": f"data:image/jpeg;base64,{BASE64}"}},
        (400, 21, "Provided value is not Base64"),
    ),
    ("DELETE", f"{R}/faces/{UNKNOWN}", {}, (404, 44, f"Image {UNKNOWN} not found")),
    ("DELETE", f"{R}/faces/nonsense", {}, UNDEFINED),
    ("GET", f"{R}/faces?page=abc", {}, UNDEFINED),
    ("POST", f"{R}/faces/{UNKNOWN}/verify", {"files": FILE}, (404, 44, "Image Id is incorrect")),
    ("POST", f"{R}/recognize", {"files": FILE}, NO_FACE),
    ("POST", f"{R}/recognize", {"files": {"file": ("a.jpg", b"broken")}}, NO_FACE),
    ("POST", f"{R}/recognize", {"json": {"file": base64.b64encode(b"x").decode()}}, NO_FACE),
    ("POST", f"{R}/recognize?det_prob_threshold=7", {"files": FILE}, NO_FACE),
    ("POST", f"{R}/recognize?limit=abc", {"files": FILE}, UNDEFINED),
    ("POST", f"{R}/recognize?status=perhaps", {"files": FILE}, UNDEFINED),
    (
        "POST",
        f"{R}/recognize?limit=-1",
        {"files": FILE},
        (400, 26, "Limit should be equal or greater than 0; "),
    ),
    (
        "POST",
        f"{R}/recognize?prediction_count=0",
        {"files": FILE},
        (400, 26, "prediction_count should be equal or greater than 1; "),
    ),
    (
        "POST",
        f"{R}/embeddings/recognize",
        {"json": {}},
        (400, 5, "Field embeddings cannot be empty"),
    ),
    ("POST", f"{R}/embeddings/recognize", {"json": {"embeddings": [[1, 2]]}}, UNDEFINED),
    (
        "POST",
        f"{R}/embeddings/faces/{UNKNOWN}/verify",
        {"json": {"embeddings": [[1] * 128]}},
        (404, 44, "Image Id is incorrect"),
    ),
    (
        "POST",
        f"{R}/subjects",
        {"content": "{", "headers": {"content-type": "application/json"}},
        UNDEFINED,
    ),
    ("POST", f"{R}/subjects", {"content": "a=b"}, (415, *UNDEFINED[1:])),
    ("PATCH", f"{R}/subjects", {}, (404, 0, "Request method 'PATCH' not supported")),
    ("GET", f"{R}/recognize", {}, (404, 0, "Request method 'GET' not supported")),
    ("POST", f"{D}/detect", {"files": FILE}, NO_FACE),
    ("POST", f"{D}/detect", {"json": {"file": ""}}, (400, 5, "Field content cannot be empty")),
    ("POST", f"{V}/verify", {"files": PAIR}, NO_FACE),
    (
        "POST",
        f"{V}/verify",
        {"files": {"source_image": ("a.jpg", WALL)}},
        (400, 34, "Required part target_image is missing"),
    ),
    (
        "POST",
        f"{V}/verify",
        {"json": {"target_image": BASE64}},
        (400, 5, "Field sourceImageBase64 cannot be empty"),
    ),
    (
        "POST",
        f"{V}/verify",
        {"json": {"source_image": BASE64}},
        (400, 5, "Field targetImageBase64 cannot be empty"),
    ),
    (
        "POST",
        f"{V}/embeddings/verify",
        {"json": {"targets": [[1] * 128]}},
        (400, 5, "Field source cannot be empty"),
    ),
    (
        "POST",
        f"{V}/embeddings/verify",
        {"json": {"source": [1] * 128}},
        (400, 5, "Field targets cannot be empty"),
    ),
]


@pytest.mark.parametrize(
    ("method", "path", "sent", "expected"),
    ROWS,
    ids=[f"{n} {row[0]} {row[1][8:40]}" for n, row in enumerate(ROWS)],
)
def test_a_wrong_request_is_answered_as_by_compreface(send, method, path, sent, expected):
    check(send(method, path, **dict(sent)), expected)


def test_a_subject_that_exists_in_another_case_is_refused(send):
    send("POST", f"{R}/subjects", json={"subject": "Zoe"})
    answer = send("POST", f"{R}/subjects", json={"subject": "zOE"})
    check(answer, (400, 43, "Subject already exists"))


def test_several_faces_are_refused_where_one_is_needed(send, crowd, photographs):
    several = (400, 31, "More than one face in the source image")
    files = {"file": ("crowd.jpg", crowd)}
    check(send("POST", f"{R}/faces?subject=both", files=files), several)
    one = photographs[0].read_bytes()
    pair = {"source_image": ("crowd.jpg", crowd), "target_image": ("one.jpg", one)}
    check(send("POST", f"{V}/verify", files=pair), several)
    limited = send("POST", f"{V}/verify?limit=1", files=pair)
    assert limited.status_code == 200


def test_a_threshold_of_one_admits_no_face(send, photographs):
    files = {"file": ("ann.jpg", photographs[0].read_bytes())}
    check(send("POST", f"{D}/detect?det_prob_threshold=1", files=files), NO_FACE)


def test_an_image_that_is_too_large_is_told_so_in_the_same_form(send):
    files = {"file": ("big.jpg", bytes(11 * 2**20))}
    sentence = (
        "The image has 11,534,336 bytes, but at most 10,485,760 are allowed. "
        "Scale it down, or save it with a lower quality."
    )
    check(send("POST", f"{R}/recognize", files=files), (400, 26, sentence))


def test_an_unknown_path_is_answered_in_json(anyone):
    answer = anyone.get("/api/v1/recognition/nothing")
    assert answer.status_code == 404
    assert answer.json()["path"] == "/api/v1/recognition/nothing"


def test_a_photograph_that_is_not_there_is_an_empty_success(send, anyone, keys, example):
    for answer in (
        send("GET", f"{R}/faces/{UNKNOWN}/img"),
        anyone.get(f"/api/v1/static/{keys['recognition']}/images/{UNKNOWN}"),
        anyone.get(f"/api/v1/static/{UNKNOWN}/images/{example}"),
        anyone.get(f"/api/v1/static/nonsense/images/{example}"),
    ):
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"] == "application/octet-stream"
