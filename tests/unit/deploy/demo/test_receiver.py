"""The receiver believes only what is signed with the endpoint's secret."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from deploy.demo.client import DemoError
from deploy.demo.receiver import listening

SECRET = "whsec_" + base64.b64encode(b"a made-up key of thirty-two byte").decode()
BODY = json.dumps({"type": "job.succeeded", "timestamp": "2026-01-01T00:00:00Z", "data": {}})


def deliver(receiver, secret):
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, BODY),
    }
    return httpx.post(receiver.url, content=BODY, headers=headers)


def test_a_right_signature_is_taken():
    with listening() as receiver:
        assert deliver(receiver, SECRET).status_code == 204
        assert receiver.first(SECRET, patience_s=60)["type"] == "job.succeeded"


def test_a_wrong_signature_is_not():
    other = "whsec_" + base64.b64encode(b"another key, as long as the first").decode()
    with listening() as receiver:
        deliver(receiver, other)
        with pytest.raises(WebhookVerificationError):
            receiver.first(SECRET, patience_s=60)


def test_silence_is_an_error():
    with listening() as receiver, pytest.raises(DemoError, match="No webhook"):
        receiver.first(SECRET, patience_s=0)
