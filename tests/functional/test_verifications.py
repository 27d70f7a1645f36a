from __future__ import annotations

import base64
import io
from datetime import timedelta
from uuid import UUID

import pytest
from factories import image_bytes

from app.domain.job_parameters import VerificationParameters
from app.domain.selection import FacePolicy

PATH = "/v1/verifications"
SOURCE, TARGET = image_bytes(colour=(9, 9, 9)), image_bytes(colour=(200, 9, 9))


def text(data):
    return base64.b64encode(data).decode()


def parts(**images):
    return {name: (io.BytesIO(data), "photo.jpg") for name, data in images.items()}


@pytest.mark.parametrize("form", ["multipart", "json"])
def test_source_comes_before_target(admin, container, form):
    answer = {
        "multipart": lambda: admin.post(PATH, data=parts(target=TARGET, source=SOURCE)),
        "json": lambda: admin.post(PATH, json={"target": text(TARGET), "source": text(SOURCE)}),
    }[form]()
    assert answer.status_code == 202
    assert answer.json["type"] == "verification"
    with container.uow() as work:
        job, images = work.jobs.claim_named(
            UUID(answer.json["id"]), worker="t", lease=timedelta(minutes=1)
        )
    assert images == [SOURCE, TARGET]
    assert job.parameters == VerificationParameters(face_policy=FacePolicy.PROMINENT)


def test_one_image_is_not_enough(admin):
    for answer in (
        admin.post(PATH, data=parts(source=SOURCE)),
        admin.post(PATH, json={"source": text(SOURCE)}),
    ):
        assert answer.status_code == 400
        assert answer.json["errors"][0]["pointer"] == "#/target"


def test_other_images_are_refused(admin):
    answer = admin.post(PATH, data=parts(source=SOURCE, target=TARGET, image=SOURCE))
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == "#/image"
    repeated = {"source": [(io.BytesIO(SOURCE), "a")] * 1 + [(io.BytesIO(SOURCE), "b")]}
    answer = admin.post(PATH, data=repeated | parts(target=TARGET))
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == "#/source"


def test_a_raw_body_cannot_hold_two_images(admin):
    answer = admin.post(PATH, data=SOURCE, content_type="image/jpeg")
    assert answer.status_code == 415


def test_thresholds_out_of_order_are_refused(admin):
    answer = admin.post(
        PATH,
        query_string={"similarity_threshold": "0.4", "possible_threshold": "0.5"},
        data=parts(source=SOURCE, target=TARGET),
    )
    assert answer.status_code == 400
    assert "possible_threshold" in answer.json["detail"]
