"""Which repetition is the same request; the lane of a request is tested with its submit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from app.domain.job_parameters import (
    DetectionParameters,
    EmbeddingParameters,
    EnrolmentParameters,
    RecognitionParameters,
    TrainingParameters,
    VerificationParameters,
)
from app.domain.job_request import JobRequest
from app.domain.selection import FacePolicy

OWNER, COLLECTION, FACE = UUID(int=1), UUID(int=7), UUID(int=9)
CONSENT = {"consent_purpose": "door", "consent_text_version": "1"}


def _digest(parameters, *images, collection_id=COLLECTION):
    request = JobRequest(
        parameters=parameters, owner_id=OWNER, collection_id=collection_id, images=images
    )
    return request.fingerprint().hex()


@pytest.mark.parametrize(
    ("parameters", "digest"),
    [
        (
            DetectionParameters(),
            "a8425618387519d0f527cd79a47e267244869e783819dfd58779b9cdea7571e3",
        ),
        (
            DetectionParameters(detection_threshold=0.0),
            "e7f8565fa1389c1f7d6294c276f6a47cf5f4102e1588c93f2ce0be1eea0db58a",
        ),
        (
            EmbeddingParameters(face_policy=FacePolicy.LARGEST),
            "cb42d3080f373bf7a95a86b1546196abc54413e16955d7e259a51d384e1b63c5",
        ),
        (
            VerificationParameters(similarity_threshold=1.0),
            "876a16861f71c5105b80eb4737cd8acfb516069a8bd97346f259d7b70b5be794",
        ),
        (
            RecognitionParameters(possible_threshold=0.25, limit=5),
            "d6bf67ee4fb17f22f1d239cd9f1247a6591bfcd668416708b787e65ac9764cd1",
        ),
        (
            EnrolmentParameters(
                subject="Zo\u00eb",
                **CONSENT,
                consent_expires_at=datetime(2027, 1, 2, 3, 4, 5, 500_000, tzinfo=UTC),
                consent_reference="r",
            ),
            "830d55dfccbc45cc6c8e6e35755ea3bb838cb1686a8908d68793482c0e63fd50",
        ),
        (
            EnrolmentParameters(
                subject="Ann",
                **CONSENT,
                consent_expires_at=datetime(
                    2027, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))
                ),
            ),
            "151774becc284218419bf318e0ebc47d1f7ffbb3ec82916401cb727b1e863b98",
        ),
        (
            TrainingParameters(),
            "373925a13e9405670bd89923e29099fab3f2a0ce4929ce21f9dfcd1fe83295a1",
        ),
    ],
)
def test_a_request_has_the_digest_that_the_version_before_gave_it(parameters, digest):
    assert _digest(parameters, b"a", b"b") == digest


def test_an_import_has_the_digest_that_the_version_before_gave_it():
    example = EnrolmentParameters(subject="Ann", face_policy=FacePolicy.LARGEST, face_id=FACE)
    assert _digest(example, b"a") == (
        "78a33858e3b5468b86f14159554422ca359b9e7109bfdb14043d01d9aebc91df"
    )


def test_any_other_request_has_another_digest():
    digests = {
        _digest(DetectionParameters(), b"a"),
        _digest(EmbeddingParameters(), b"a"),
        _digest(DetectionParameters(max_faces=1), b"a"),
        _digest(DetectionParameters(), b"b"),
        _digest(DetectionParameters(), b"a", b"b"),
        _digest(DetectionParameters(), b"a", collection_id=None),
    }
    assert len(digests) == 6
