"""Whatever is sent, the answer is no 500, and an error is a plain sentence."""

from __future__ import annotations

import json
from urllib.parse import quote

import pictures
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sentences import faults_of_style

from app.api.schemas.collections import CollectionRequest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
MEMBERS = st.dictionaries(
    st.sampled_from([*CollectionRequest.model_fields, "image", "images", "subject", "limit"]), JSON
)
quick = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def assert_plain(answer):
    """Assert that an answer is none of an error, or explains it in full sentences."""
    if answer.status_code >= 400:
        faults = answer.json.get("errors", [])
        for text in (answer.json["detail"], *(fault["detail"] for fault in faults)):
            assert faults_of_style(text) == [], text


@quick
@given(MEMBERS | JSON)
def test_any_document_is_taken_or_refused(admin, staff, document):
    body = json.dumps(document).encode("utf-8", "surrogatepass")
    for path in ("/v1/collections", "/v1/detections", "/v1/collections/staff/faces", "/v1/keys"):
        answer = admin.post(path, data=body, content_type="application/json")
        assert answer.status_code in {201, 202, 400, 403, 409, 413, 415}
        assert_plain(answer)


@quick
@given(
    st.binary(max_size=200),
    st.sampled_from(["image/png", "application/json", "multipart/form-data; boundary=a"]),
)
def test_any_body_is_taken_or_refused(admin, body, kind):
    answer = admin.post("/v1/embeddings", data=body, content_type=kind)
    assert answer.status_code in {400, 413, 415}
    assert_plain(answer)


@quick
@given(
    st.sampled_from([*pictures.formats().values()]),
    st.integers(min_value=0),
    st.binary(max_size=40),
    st.integers(min_value=0, max_value=40),
)
def test_any_damage_to_an_image_is_taken_or_refused(admin, whole, place, damage, removed):
    start = place % len(whole)
    image = whole[:start] + damage + whole[start + removed :]
    answer = admin.post("/v1/detections", data=image, content_type="application/octet-stream")
    assert answer.status_code in {202, 400, 413, 415}


@quick
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_path_and_query_is_answered(admin, staff, text, value):
    for path in ("/v1/collections", "/v1/collections/staff/subjects", "/v1/jobs"):
        assert admin.get(path, query_string={text: value}).status_code in {200, 400}
    for path in (f"/v1/collections/{quote(text)}", f"/v1/collections/staff/subjects/{quote(text)}"):
        assert admin.get(path).status_code in {200, 308, 404}
