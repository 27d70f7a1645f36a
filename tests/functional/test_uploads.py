"""Every way to send images, and everything that may be wrong with them."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from datetime import timedelta
from uuid import UUID

import pictures
import pytest
from factories import image_bytes

from app.domain.job_parameters import RecognitionParameters

DETECTIONS = "/v1/detections"
LEASE = timedelta(minutes=1)


def part(data, name="photo.jpg"):
    return (io.BytesIO(data), name)


def text(data):
    return base64.b64encode(data).decode()


def png_header(width, height):
    """A PNG that says how large it is, and has no pixels."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def stored_images(container, job_id):
    with container.uow() as work:
        _, images = work.jobs.claim_named(UUID(job_id), worker="t", lease=LEASE)
    return images


@pytest.mark.parametrize("kind", pictures.formats())
@pytest.mark.parametrize("form", ["part", "raw", "octets", "json", "data uri", "wrapped", "list"])
def test_an_image_arrives_unchanged_however_it_is_sent(admin, container, kind, form):
    data = pictures.formats()[kind]
    answer = {
        "part": lambda: admin.post(DETECTIONS, data={"image": part(data)}),
        "raw": lambda: admin.post(DETECTIONS, data=data, content_type=f"image/{kind.lower()}"),
        "octets": lambda: admin.post(
            DETECTIONS, data=data, content_type="application/octet-stream"
        ),
        "json": lambda: admin.post(DETECTIONS, json={"image": text(data)}),
        "data uri": lambda: admin.post(
            DETECTIONS, json={"image": f"data:image/jpeg;base64,{text(data)}"}
        ),
        "wrapped": lambda: admin.post(
            DETECTIONS, json={"image": base64.encodebytes(data).decode()}
        ),
        "list": lambda: admin.post(DETECTIONS, json={"images": [text(data)]}),
    }[form]()
    assert answer.status_code == 202
    assert answer.json["progress"] == {"done": 0, "total": 1}
    assert stored_images(container, answer.json["id"]) == [data]


@pytest.mark.parametrize(
    "write",
    [
        lambda plain: plain.rstrip("="),
        lambda plain: plain.replace("+", "-").replace("/", "_"),
        lambda plain: plain.replace("A", "A\N{NO-BREAK SPACE}"),
        lambda plain: plain.replace("A", "A\N{ZERO WIDTH SPACE}\r\n"),
        lambda plain: f"\ufeff{plain}",
    ],
)
def test_base64_is_read_as_any_encoder_writes_it(admin, container, write):
    answer = admin.post(DETECTIONS, json={"image": write(text(GOOD))})

    assert answer.status_code == 202
    assert stored_images(container, answer.json["id"]) == [GOOD]


def test_a_json_document_may_begin_with_a_byte_order_mark(admin, container):
    body = b"\xef\xbb\xbf" + json.dumps({"image": text(GOOD)}).encode()

    answer = admin.post(DETECTIONS, data=body, content_type="application/json")

    assert answer.status_code == 202
    assert stored_images(container, answer.json["id"]) == [GOOD]


@pytest.mark.parametrize("form", ["parts", "list"])
def test_several_images_keep_their_order(admin, container, form):
    images = [image_bytes(colour=(shade, 0, 0)) for shade in (10, 90, 170, 250)]
    answer = {
        "parts": lambda: admin.post(DETECTIONS, data={"image": [part(data) for data in images]}),
        "list": lambda: admin.post(DETECTIONS, json={"images": [text(data) for data in images]}),
    }[form]()
    assert answer.json["progress"]["total"] == 4
    assert stored_images(container, answer.json["id"]) == images


GOOD = image_bytes()
BAD_IMAGES = {
    "empty": (b"", 400, "corrupt-image"),
    "no image": (b"hello, this is no image", 415, "unsupported-image"),
    "ppm": (image_bytes("PPM"), 415, "unsupported-image"),
    "jpeg 2000": (image_bytes("JPEG2000"), 415, "unsupported-image"),
    "a film": (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", 415, "unsupported-image"),
    "many segments": (GOOD[:2] + b"\xff\xfe\0\2" * 20_000 + GOOD[2:], 413, "image-too-large"),
    "cut in the header": (GOOD[:20], 400, "corrupt-image"),
    "a bomb": (png_header(20_000, 20_000), 413, "image-too-large"),
    "too many bytes": (GOOD + b"\0" * 100_000, 413, "image-too-large"),
    "nul bytes": (b"\0" * 100, 415, "unsupported-image"),
}


@pytest.mark.parametrize("form", ["part", "raw", "json", "second of two"])
@pytest.mark.parametrize("fault", BAD_IMAGES)
def test_a_bad_image_is_refused_before_a_job_is_made(admin, fault, form):
    data, status, slug = BAD_IMAGES[fault]
    answer = {
        "part": lambda: admin.post(DETECTIONS, data={"image": part(data)}),
        "raw": lambda: admin.post(DETECTIONS, data=data, content_type="image/jpeg"),
        "json": lambda: admin.post(DETECTIONS, json={"image": text(data)}),
        "second of two": lambda: admin.post(DETECTIONS, json={"images": [text(GOOD), text(data)]}),
    }[form]()
    assert answer.status_code == status
    assert answer.json["type"].endswith(f"/{slug}")
    assert ("Image 2 of 2 cannot be used." in answer.json["detail"]) == (form == "second of two")
    assert admin.get("/v1/jobs").json["items"] == []


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "#/image"),
        ({"image": None}, "#/image"),
        ({"images": []}, "#/image"),
        ({"image": "***"}, "#/image"),
        ({"image": "abcde"}, "#/image"),
        ({"image": "\u00e9\u00e9\u00e9\u00e9"}, "#/image"),
        ({"image": "AA\x00A"}, "#/image"),
        ({"image": "data:image/png,plain"}, "#/image"),
        ({"image": 5}, "#/image"),
        ({"image": ["AAAA"]}, "#/image"),
        ({"images": "AAAA"}, "#/images"),
        ({"images": [5]}, "#/images/0"),
        ({"images": [text(GOOD), "*"]}, "#/images/1"),
        ({"image": text(GOOD), "picture": "x"}, "#/picture"),
        ({"image": text(GOOD), "detection_threshold": 2}, "#/detection_threshold"),
        ({"image": text(GOOD), "detection_threshold": "0.5"}, "#/detection_threshold"),
        ({"image": text(GOOD), "detection_threshold": 10**40}, "#/detection_threshold"),
    ],
)
def test_a_wrong_json_document_is_refused_with_its_pointer(admin, document, pointer):
    answer = admin.post(DETECTIONS, json=document)
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        ({"a": "b"}, "#/image"),
        ({"image": "text"}, "#/image"),
        ({"picture": part(GOOD)}, "#/picture"),
        ({"image": part(GOOD), "colour": "red"}, "#/colour"),
        ({"image": part(GOOD), "detection_threshold": "x"}, "#/detection_threshold"),
        ({"image": part(GOOD), "detection_threshold": "nan"}, "#/detection_threshold"),
        (
            {"image": part(GOOD), "detection_threshold": ["0.1", "0.2"]},
            "#/detection_threshold",
        ),
    ],
)
def test_a_wrong_form_is_refused_with_its_pointer(admin, form, pointer):
    form = {name: part(GOOD) if isinstance(value, tuple) else value for name, value in form.items()}
    answer = admin.post(DETECTIONS, data=form, content_type="multipart/form-data")
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (GOOD, "", 415),
        (GOOD, "text/plain", 415),
        (GOOD, "application/x-www-form-urlencoded", 415),
        (b"", "", 415),
        (b"", "application/json", 400),
        (b"", "multipart/form-data", 400),
        (b"junk", "multipart/form-data; boundary=x", 400),
        (b"--x\r\n", "multipart/form-data; boundary=x", 400),
        (
            b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\ncut',
            "multipart/form-data; boundary=x",
            400,
        ),
        (b"[" * 100_000, "application/json", 400),
        (b'{"image": "\\ud800"}', "application/json", 400),
    ],
)
def test_a_body_without_an_image_is_refused(admin, body, kind, status):
    answer = admin.post(DETECTIONS, data=body, content_type=kind)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("form", ["parts", "list"])
def test_too_many_images_are_refused(admin, settings, form):
    images = [GOOD] * (settings.max_images + 1)
    answer = {
        "parts": lambda: admin.post(DETECTIONS, data={"image": [part(data) for data in images]}),
        "list": lambda: admin.post(DETECTIONS, json={"images": [text(data) for data in images]}),
    }[form]()
    assert answer.status_code == 413
    assert answer.json["type"].endswith("/too-many-images")


def test_a_request_over_the_limit_is_refused(admin, settings):
    body = b"\0" * (settings.max_request_bytes + 1)
    answer = admin.post(DETECTIONS, data=body, content_type="image/jpeg")
    assert answer.status_code == 413
    assert answer.json["type"].endswith("/request-too-large")


@pytest.mark.parametrize("place", ["query", "form", "json"])
def test_parameters_come_from_query_form_or_json_alike(admin, container, staff, place):
    path = "/v1/collections/staff/recognitions"
    values = {"limit": 7, "similarity_threshold": 0.5, "face_policy": "largest"}
    answer = {
        "query": lambda: admin.post(
            path, query_string=values, data=GOOD, content_type="image/jpeg"
        ),
        "form": lambda: admin.post(path, data={"image": part(GOOD), **values}),
        "json": lambda: admin.post(path, json={"image": text(GOOD), **values}),
    }[place]()
    assert answer.status_code == 202
    with container.uow() as work:
        assert work.jobs.get(UUID(answer.json["id"])).parameters == RecognitionParameters(**values)


def test_a_parameter_in_two_places_is_refused(admin):
    answer = admin.post(
        f"{DETECTIONS}?detection_threshold=0.5",
        json={"image": text(GOOD), "detection_threshold": 0.6},
    )
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == "#/detection_threshold"
