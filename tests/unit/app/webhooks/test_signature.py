from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.domain.delivery import generate_secret
from app.webhooks.signature import signed_headers

ID = UUID("018f3c1e-0000-7000-8000-000000000001")
BODY = '{"type":"job.succeeded","data":{"id":"ä"}}'.encode()


@pytest.fixture
def secret():
    return generate_secret()


def sign(*secrets, at=None, body=BODY):
    return signed_headers(ID, body, at=at or datetime.now(UTC), secrets=secrets)


def accepted(secret, headers, body=BODY):
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def test_generate_secret_draws_256_bits_behind_the_prefix():
    first, second = generate_secret(), generate_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


def test_signed_headers_satisfy_the_reference_library(secret):
    for length in (0, 1, 1000, 19_999):
        body = b"x" * length
        assert accepted(secret, sign(secret, body=body), body)


def test_signed_headers_equal_a_signature_computed_elsewhere():
    # By "openssl dgst -sha256 -mac HMAC" over "id.timestamp.body".
    headers = signed_headers(
        ID,
        b'{"test": 2432232314}',
        at=datetime.fromtimestamp(1614265330, UTC),
        secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers == {
        "webhook-id": "018f3c1e-0000-7000-8000-000000000001",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,geoxUjvBdozSpw5/ViAxbcMu7YAFfGzXCyzzJnGow0U=",
    }


@pytest.mark.parametrize(
    ("header", "change"),
    [
        ("webhook-id", lambda value: value[:-1] + "2"),
        ("webhook-id", lambda value: value.upper()),
        ("webhook-id", lambda value: ""),
        ("webhook-timestamp", lambda value: str(int(value) + 1)),
        ("webhook-timestamp", lambda value: str(int(value) - 1)),
        ("webhook-signature", lambda value: "v1a" + value[2:]),
        ("webhook-signature", lambda value: "v1," + base64.b64encode(b"0" * 32).decode()),
        ("webhook-signature", lambda value: "v1,"),
    ],
)
def test_a_header_that_was_tampered_with_is_refused(secret, header, change):
    headers = sign(secret)
    assert accepted(secret, headers)
    assert not accepted(secret, {**headers, header: change(headers[header])})


@pytest.mark.parametrize(
    "body",
    [
        BODY[:-1],
        BODY + b" ",
        BODY.replace(b":", b": "),
        BODY.replace(b"succeeded", b"failed"),
        b'{"type":"job.succeeded","data":{"id":"\\u00e4"}}',
    ],
)
def test_a_body_that_was_tampered_with_or_written_anew_is_refused(secret, body):
    assert not accepted(secret, sign(secret), body)


def test_the_secret_of_another_endpoint_is_refused(secret):
    assert not accepted(generate_secret(), sign(secret))


@pytest.mark.parametrize(
    ("seconds", "fits"), [(290, True), (-290, True), (310, False), (-310, False)]
)
def test_a_timestamp_is_accepted_within_five_minutes_only(secret, seconds, fits):
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    assert accepted(secret, sign(secret, at=at)) is fits


def test_both_secrets_are_accepted_while_both_sign(secret):
    old = generate_secret()
    assert accepted(secret, sign(secret, old))
    assert accepted(old, sign(secret, old))
    assert not accepted(old, sign(secret))
