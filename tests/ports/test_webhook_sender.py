from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from app.domain.delivery import Delivery, Endpoint, EventType, generate_secret
from app.domain.errors import InvalidRequestError
from app.domain.identity import new_id
from app.webhooks.sender import HttpWebhookSender
from tests.fakes import FakeSender
from tests.receivers import Receiver, answer


def _endpoint(sender, port):
    return Endpoint(
        id=new_id(),
        url=f"http://127.0.0.1:{port}/hook",
        secret=generate_secret(),
        signing_key=sender.new_key(),
        events=frozenset(EventType),
        created_at=datetime.now(UTC),
    )


def _delivery():
    return Delivery(
        id=new_id(),
        endpoint_id=new_id(),
        event=EventType.ENDPOINT_TEST,
        payload={"type": "endpoint.test"},
        attempt=3,
        created_at=datetime.now(UTC),
    )


def _fake(delivery, at, status, retry_after_s):
    sender = FakeSender(status, retry_after_s=retry_after_s)
    return sender.send(_endpoint(sender, 80), delivery, at=at)


def _over_http(delivery, at, status, retry_after_s):
    fields = [] if retry_after_s is None else [f"Retry-After: {retry_after_s}"]
    loopback = [ip_network("127.0.0.0/8")]
    sender = HttpWebhookSender(timeout_s=20, allow_http=True, allowed_networks=loopback)
    with Receiver(answer(status, *fields)) as receiver:
        return sender.send(_endpoint(sender, receiver.port), delivery, at=at)


@pytest.fixture(params=[_fake, _over_http])
def attempt(request):
    """Return a function that makes an attempt at a receiver which answers with a status."""

    def make(status, retry_after_s=None):
        delivery, at = _delivery(), datetime.now(UTC)
        made = request.param(delivery, at, status, retry_after_s)
        assert (made.delivery_id, made.number, made.at) == (delivery.id, 3, at)
        return made

    return make


@pytest.fixture(params=[FakeSender, lambda: HttpWebhookSender(timeout_s=5)])
def sender(request):
    """A sender for the public network, as it is without settings."""
    return request.param()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, None),
        (204, None),
        (302, "Answered 302; redirects are not followed."),
        (410, "Answered 410."),
        (500, "Answered 500."),
    ],
)
def test_the_status_is_the_answer(attempt, status, error):
    made = attempt(status)
    assert (made.status_code, made.error, made.retry_after_s) == (status, error, None)


def test_the_wait_that_a_busy_receiver_asks_for_is_told(attempt):
    assert attempt(429, retry_after_s=17).retry_after_s == 17


def test_each_key_pair_is_another_and_has_a_public_half(sender):
    first, second = (_endpoint(sender, 80) for _ in range(2))
    assert first.public_key != second.public_key
    assert first.public_key.startswith("whpk_")


def test_a_url_without_tls_is_refused(sender):
    sender.check("https://93.184.216.34/hook")
    with pytest.raises(InvalidRequestError):
        sender.check("http://93.184.216.34/hook")
