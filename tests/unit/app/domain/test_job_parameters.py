"""What jobs are asked for, as it is stored."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.api.schemas import submissions
from app.domain.consent import ConsentTerms
from app.domain.documents import from_document, to_document
from app.domain.job import PARAMETERS, JobType, type_of
from app.domain.job_parameters import (
    DetectionParameters,
    EmbeddingParameters,
    EnrolmentParameters,
    ImageParameters,
    Ranking,
    RecognitionParameters,
    TrainingParameters,
    VerificationParameters,
)
from app.domain.selection import FacePolicy

ID = UUID("0191e0a8-0000-7000-8000-000000000000")

#: Rows of the version before, and what they ask for.
FORMER = [
    (DetectionParameters(), {}),
    (DetectionParameters(detection_threshold=0.0), {"detection_threshold": 0.0}),
    (
        DetectionParameters(detection_threshold=0.85, max_faces=2, cropped=True),
        {"detection_threshold": 0.85, "max_faces": 2, "cropped": True},
    ),
    (EmbeddingParameters(face_policy=FacePolicy.LARGEST), {"face_policy": "largest"}),
    (
        VerificationParameters(similarity_threshold=0.6, possible_threshold=0.4),
        {"face_policy": "prominent", "similarity_threshold": 0.6, "possible_threshold": 0.4},
    ),
    (RecognitionParameters(limit=5), {"limit": 5}),
    (
        RecognitionParameters(
            detection_threshold=0.85,
            include_embeddings=True,
            ranking=Ranking.FACES,
            face_id=ID,
        ),
        {
            "detection_threshold": 0.85,
            "include_embeddings": True,
            "ranking": "faces",
            "face_id": str(ID),
        },
    ),
    (
        EnrolmentParameters(subject="Zo\u00eb", any_case=True, face_policy=FacePolicy.REFUSE),
        {"subject": "Zo\u00eb", "any_case": True, "face_policy": "refuse"},
    ),
    (EnrolmentParameters(not_subject="Ann"), {"not_subject": "Ann", "face_policy": "prominent"}),
    (TrainingParameters(), {}),
]


@pytest.mark.parametrize(("parameters", "row"), FORMER)
def test_rows_of_the_version_before_are_read_and_written_alike(parameters, row):
    assert from_document(type(parameters), row) == parameters
    assert to_document(parameters) == row


def test_a_row_without_a_policy_means_the_default():
    row = {"all_targets": True, "include_embeddings": True, "cropped": None}
    found = from_document(VerificationParameters, row)
    assert found == VerificationParameters(all_targets=True, include_embeddings=True)


def test_a_moment_is_read_with_a_z_and_with_an_offset():
    at = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
    for text in ("2027-01-02T03:04:05Z", "2027-01-02T03:04:05+00:00", "2027-01-02T05:04:05+02:00"):
        assert from_document(EnrolmentParameters, {"consent_expires_at": text}) == (
            EnrolmentParameters(consent_expires_at=at)
        )


@settings(deadline=None)
@given(st.one_of(*(st.from_type(kind) for kind in PARAMETERS.values())))
def test_parameters_survive_being_stored(parameters):
    row = json.dumps(to_document(parameters))
    assume("NaN" not in row)  # which differs from itself
    assert from_document(type(parameters), json.loads(row)) == parameters


def test_every_type_of_job_has_parameters_that_tell_it():
    assert set(PARAMETERS) == set(JobType)
    for job_type, parameters in PARAMETERS.items():
        assert type_of(parameters()) is job_type


def test_jobs_on_images_are_those_that_say_which_faces_count():
    on_images = {one for one, kind in PARAMETERS.items() if issubclass(kind, ImageParameters)}
    assert on_images == {one for one in JobType if one.is_on_images}
    assert JobType.ENROLMENT in on_images
    assert JobType.TRAINING not in on_images


@pytest.mark.parametrize(
    "kind",
    [kind for kind in PARAMETERS.values() if hasattr(submissions, kind.__name__)],
)
def test_whatever_the_api_takes_has_a_field(kind):
    taken = set(getattr(submissions, kind.__name__).model_fields)
    assert taken <= {one.name for one in fields(kind)}


def test_a_consent_is_there_with_its_purpose_and_the_version_of_its_text():
    assert EnrolmentParameters(subject="Ann").consent is None
    stated = EnrolmentParameters(
        subject="Ann", consent_purpose="door", consent_text_version="1", consent_reference="r"
    )
    assert stated.consent == ConsentTerms(purpose="door", text_version="1", reference="r")
