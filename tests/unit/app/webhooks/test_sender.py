from __future__ import annotations

import json
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from uuid import uuid4

import pytest
import trustme
from standardwebhooks.webhooks import Webhook

from app.domain.delivery import Delivery, Endpoint, EventType, generate_secret
from app.webhooks.sender import HttpWebhookSender
from tests.receivers import Receiver, answer, reset

LOOPBACK = (ip_network("127.0.0.0/8"),)


def make_sender(timeout_s=10.0, **changes):
    values = {"timeout_s": timeout_s, "allow_http": True, "allowed_networks": LOOPBACK}
    return HttpWebhookSender(**{**values, **changes})


def make_endpoint(url, **changes):
    values = {
        "id": uuid4(),
        "url": url,
        "secret": generate_secret(),
        "events": frozenset(EventType),
        "created_at": datetime.now(UTC),
    }
    return Endpoint(**{**values, **changes})


def make_delivery(**changes):
    values = {
        "id": uuid4(),
        "endpoint_id": uuid4(),
        "event": EventType.JOB_SUCCEEDED,
        "payload": {"type": "job.succeeded", "data": {"id": "1", "note": "ä"}},
        "attempt": 3,
        "created_at": datetime.now(UTC),
    }
    return Delivery(**{**values, **changes})


def send_to(receiver, *, at=None, **changes):
    endpoint = make_endpoint(f"http://127.0.0.1:{receiver.port}/hook?a=b")
    sender = make_sender(**changes)
    return sender.send(endpoint, make_delivery(), at=at or datetime.now(UTC))


def test_send_posts_the_event_signed_with_every_live_secret():
    now = datetime.now(UTC)
    with Receiver(answer(200)) as receiver:
        old = generate_secret()
        endpoint = make_endpoint(
            f"http://127.0.0.1:{receiver.port}/hook?a=b",
            previous_secret=old,
            previous_secret_until=now + timedelta(hours=1),
        )
        delivery = make_delivery()
        attempt = make_sender().send(endpoint, delivery, at=now)
    assert (attempt.delivery_id, attempt.number, attempt.at) == (delivery.id, 3, now)
    assert (attempt.status_code, attempt.error) == (200, None)
    (request,) = receiver.requests
    assert request.line == "POST /hook?a=b HTTP/1.1"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["user-agent"] == "Vultus"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == str(delivery.id)
    assert request.headers["webhook-timestamp"] == str(int(now.timestamp()))
    for secret in (endpoint.secret, old):
        assert Webhook(secret).verify(request.body, request.headers) == delivery.payload


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_send_succeeds_on_any_2xx(status):
    with Receiver(answer(status)) as receiver:
        attempt = send_to(receiver)
    assert attempt.succeeded
    assert attempt.status_code == status


@pytest.mark.parametrize("status", [304, 400, 401, 404, 410, 429, 500, 502, 503])
def test_send_fails_on_any_other_status(status):
    with Receiver(answer(status)) as receiver:
        attempt = send_to(receiver)
    assert not attempt.succeeded
    assert attempt.status_code == status
    assert attempt.gone is (status == 410)


def test_send_reads_retry_after_in_seconds_and_as_a_date():
    at = datetime.now(UTC).replace(microsecond=0)
    date = format_datetime(at + timedelta(minutes=5), usegmt=True)
    with Receiver(answer(429, "Retry-After: 17")) as receiver:
        assert send_to(receiver).retry_after_s == 17
    with Receiver(answer(503, f"RETRY-AFTER: {date}")) as receiver:
        assert send_to(receiver, at=at).retry_after_s == 300


def test_send_fails_on_a_reset():
    with Receiver(reset) as receiver:
        attempt = send_to(receiver)
    assert (attempt.status_code, attempt.error) == (None, "The connection broke.")


def test_send_fails_when_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    attempt = make_sender().send(
        make_endpoint(f"http://127.0.0.1:{port}/"), make_delivery(), at=datetime.now(UTC)
    )
    assert (attempt.status_code, attempt.error) == (None, "No connection.")


def test_send_fails_when_the_answer_is_not_http():
    def respond(connection, request):
        connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

    with Receiver(respond) as receiver:
        attempt = send_to(receiver)
    assert (attempt.status_code, attempt.error) == (None, "The answer is not HTTP.")


def test_send_gives_up_on_a_receiver_that_does_not_answer():
    def respond(connection, request):
        receiver.pause(60)

    with Receiver(respond) as receiver:
        attempt = send_to(receiver, timeout_s=0.2)
    assert (attempt.status_code, attempt.error) == (None, "No answer in time.")


def test_send_gives_up_on_an_answer_that_comes_byte_by_byte():
    def respond(connection, request):
        for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n":
            receiver.pause(0.05)
            connection.sendall(bytes([byte]))

    with Receiver(respond) as receiver:
        attempt = send_to(receiver, timeout_s=0.4)
    assert (attempt.status_code, attempt.error) == (None, "No answer in time.")


def test_send_leaves_a_body_that_comes_byte_by_byte():
    sent = []

    def respond(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n")
        for _ in range(200):
            receiver.pause(0.05)
            connection.sendall(b"x")
            sent.append(1)

    with Receiver(respond) as receiver:
        attempt = send_to(receiver, timeout_s=2)
    assert attempt.succeeded
    assert len(sent) < 200


@pytest.mark.parametrize(
    "framing", ["content-length: 1000000000\r\n\r\n", "transfer-encoding: chunked\r\n\r\n"]
)
def test_send_reads_no_more_than_64_kib_of_a_body(framing):
    chunks = []

    def respond(connection, request):
        connection.sendall(f"HTTP/1.1 200 OK\r\n{framing}".encode())
        for _ in range(1000):
            connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            chunks.append(1)

    with Receiver(respond) as receiver:
        attempt = send_to(receiver)
    assert attempt.succeeded
    assert len(chunks) < 1000


def test_send_fails_on_headers_without_end():
    def respond(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"x-more: " + b"x" * 1000 + b"\r\n")

    with Receiver(respond) as receiver:
        attempt = send_to(receiver)
    assert (attempt.status_code, attempt.error) == (None, "The connection broke.")


def test_send_fails_on_interim_answers_without_end():
    def respond(connection, request):
        while True:
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")

    with Receiver(respond) as receiver:
        attempt = send_to(receiver)
    assert (attempt.status_code, attempt.error) == (None, "The connection broke.")


def test_send_fails_on_a_body_of_20_kb():
    with Receiver(answer(200)) as receiver:
        endpoint = make_endpoint(f"http://127.0.0.1:{receiver.port}/")
        for size, taken in ((19_999, True), (20_000, False)):
            delivery = make_delivery(payload={"x": "a" * (size - len('{"x":""}'))})
            attempt = make_sender().send(endpoint, delivery, at=datetime.now(UTC))
            assert attempt.succeeded is taken
    assert [len(request.body) for request in receiver.requests] == [19_999]


def test_send_fails_on_a_url_that_is_not_allowed_any_more():
    with Receiver(answer(200)) as receiver:
        attempt = send_to(receiver, allow_http=False)
    assert attempt.error == "The URL must begin with https://."
    assert receiver.requests == []


def test_send_sends_exactly_the_bytes_it_signed():
    with Receiver(answer(200)) as receiver:
        send_to(receiver)
    body = receiver.requests[0].body
    assert json.loads(body) == {"type": "job.succeeded", "data": {"id": "1", "note": "ä"}}
    assert receiver.requests[0].headers["content-length"] == str(len(body))


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def secure_receiver(authority, names):
    """A TLS receiver with a certificate for hooks.example.com alone, and the names it was asked."""
    asked = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example.com").configure_cert(tls)
    tls.sni_callback = lambda connection, name, context: asked.append(name)
    names["hooks.example.com"] = names["other.example.com"] = [["127.0.0.1"]]
    with Receiver(answer(200), tls=tls) as receiver:
        yield receiver, asked


@pytest.fixture
def trust(authority):
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return trust


def test_send_checks_the_certificate_against_the_host_and_not_the_address(secure_receiver, trust):
    receiver, asked = secure_receiver
    sender = make_sender(trust=trust)
    endpoint = make_endpoint(f"https://hooks.example.com:{receiver.port}/")
    attempt = sender.send(endpoint, make_delivery(), at=datetime.now(UTC))
    assert attempt.succeeded, attempt.error
    assert asked == ["hooks.example.com"]
    assert receiver.requests[0].headers["host"] == f"hooks.example.com:{receiver.port}"


def test_send_refuses_the_certificate_of_another_host(secure_receiver, trust):
    receiver, _ = secure_receiver
    sender = make_sender(trust=trust)
    endpoint = make_endpoint(f"https://other.example.com:{receiver.port}/")
    attempt = sender.send(endpoint, make_delivery(), at=datetime.now(UTC))
    assert attempt.error == "No secure connection: the certificate must be valid for the host."
    assert receiver.requests == []


def test_send_refuses_a_certificate_that_nobody_vouches_for(secure_receiver):
    receiver, _ = secure_receiver
    endpoint = make_endpoint(f"https://hooks.example.com:{receiver.port}/")
    attempt = make_sender().send(endpoint, make_delivery(), at=datetime.now(UTC))
    assert attempt.error == "No secure connection: the certificate must be valid for the host."
    assert receiver.requests == []
