"""What jobs answer, as it is stored and shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.domain.documents import from_document, required_keys, to_document
from app.domain.job import RESULTS, JobType
from tests import made_results
from tests.made_results import RESULT_OF

FORMS = [form for forms in RESULTS.values() for form in forms]
ID, OTHER_ID = str(made_results.ID), str(made_results.OTHER_ID)
FACE = {
    "box": {"x_min": -3.2, "y_min": 10.5, "x_max": 60.4, "y_max": 90.0},
    "detection_confidence": 0.9876543,
    "landmarks": {
        "image_left_eye": [20.4, 30.0],
        "image_right_eye": [40.6, 30.0],
        "nose": [30.0, 40.0],
        "image_left_mouth": [22.0, 50.0],
        "image_right_mouth": [38.0, 50.0],
    },
    "quality": {
        "size_px": 63.6,
        "sharpness": 0.1,
        "turn": 0.6,
        "brightness": 120.0,
        "confidence": 0.99,
        "reasons": [{"issue": "turned", "value": 0.6, "limit": 0.45}],
    },
}
VECTOR = {"model": "facenet-msceleb-128", "embedding": [0.6, 0.8]}
MODEL = {"model": "facenet-msceleb-128"}
ANN = {"subject": "Ann", "subject_id": ID, "face_id": OTHER_ID, "similarity": 0.5}
BOB = {"subject": "Bob", "subject_id": OTHER_ID, "face_id": ID, "similarity": 0.0}
FIGURES = {
    **MODEL,
    "searches": 3,
    "rank1": 1.0,
    "identified": 0.9,
    "threshold": None,
    "genuine_mean": 0.7,
    "impostor_mean": 0.1,
    "separation": None,
    "ms_per_face": None,
    "bytes_per_face": 512,
    "thresholds_fitted": True,
    "knows_strangers": False,
}


def _images(*faces):
    error = {
        "type": "/problems/corrupt-image",
        "title": "Corrupt image",
        "status": 400,
        "detail": "Send another.",
    }
    return {
        "images": [
            {"width": 100, "height": 80, "faces": list(faces)},
            {"error": error, "faces": []},
        ]
    }


#: What the version before has stored, in the order of ``made_results.RESULTS``.
FORMER = [
    _images(FACE),
    _images({**FACE, **VECTOR}),
    {
        **MODEL,
        "decision": "match",
        "similarity": 0.7,
        "probability": 0.99,
        "similarity_threshold": 0.6,
        "possible_threshold": 0.4,
        "source": FACE,
        "target": FACE,
    },
    {
        **MODEL,
        "source": {"width": 100, "height": 80, **FACE, **VECTOR},
        "target": {"width": 100, "height": 80},
        "targets": [{**FACE, "similarity": 0.3}],
    },
    {
        **MODEL,
        "matcher": "classifier",
        "score_threshold": 0.4,
        "similarity_threshold": 0.6,
        "possible_threshold": 0.5,
        "training_id": ID,
        **_images(
            {
                **FACE,
                "decision": "possible",
                "margin": 0.2,
                "expected_fpir": None,
                "candidates": [{**ANN, "score": 0.8, "probability": None}],
            }
        ),
    },
    {
        **MODEL,
        **_images({**FACE, **VECTOR, "candidates": [ANN, BOB]}, {**FACE, "candidates": []}),
    },
    {
        **MODEL,
        "subject": None,
        "face_ids": [ID],
        **_images({**FACE, "face_id": ID, "subject": None, "not_subject": "Ann"}),
    },
    {
        "accepted": True,
        "reason": None,
        "training_id": ID,
        "version": 2,
        **MODEL,
        "subjects": 3,
        "faces": 9,
        "metrics": {"held_out_dir": 0.9},
    },
    {
        "state": "ready",
        "faces": 9,
        "embedded": 8,
        "left_behind": {"count": 1, "face_ids": [ID]},
        "compared_faces": 8,
        "compared_subjects": 3,
        "target_fpir": 0.01,
        "former": FIGURES,
        "new": FIGURES,
    },
    {"state": "finished", **MODEL},
    {
        "erased": "subject",
        "ids": [ID],
        "stores": {"faces": 2, "redis": 0},
        "hold_nobody": ["deliveries", "redis", "temporary_files", "logs"],
        "bytes_gone_by": "2026-11-22T12:00:00Z",
        "bytes_gone_at": None,
    },
]
PAIRS = list(zip(made_results.RESULTS, FORMER, strict=True))


def test_every_form_is_shown():
    assert [type(one) for one in made_results.RESULTS] == FORMS
    assert set(RESULTS) == set(JobType)
    assert {kind: type(one) in RESULTS[kind] for kind, one in RESULT_OF.items()} == dict.fromkeys(
        JobType, True
    )


@pytest.mark.parametrize(("result", "document"), PAIRS, ids=[one.__name__ for one in FORMS])
def test_a_result_is_written_as_the_version_before_did(result, document):
    assert to_document(result) == document


@pytest.mark.parametrize(("result", "document"), PAIRS, ids=[one.__name__ for one in FORMS])
def test_a_result_of_the_version_before_is_read(result, document):
    later = {**document, "of_a_later_version": 1}
    assert from_document(type(result), document) == from_document(type(result), later) == result


def test_the_forms_of_one_type_differ_in_the_keys_that_they_need():
    for forms in RESULTS.values():
        for number, form in enumerate(forms):
            document = to_document(made_results.RESULTS[FORMS.index(form)])
            fitting = [one for one in forms if required_keys(one) <= document.keys()]
            assert forms.index(fitting[0]) == number


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
@given(st.one_of(*(st.from_type(form) for form in FORMS)))
def test_results_survive_being_stored(result):
    text = json.dumps(to_document(result))
    assume("NaN" not in text)  # which differs from itself
    assert from_document(type(result), json.loads(text)) == result
