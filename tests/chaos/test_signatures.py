"""T11: what is signed verifies with what the API shows, and nothing that was changed does."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.domain.delivery import generate_secret
from app.services.webhooks.deliver import deliver
from app.services.webhooks.endpoints import ROTATION_OVERLAP
from app.webhooks.sender import HttpWebhookSender
from app.webhooks.signature import generate_signing_key
from tests.chaos.tenant_world import new_world
from tests.receivers import Receiver, answer
from tests.unit.app.webhooks.test_sender import make_endpoint

#: How old, or how far ahead, a receiver lets a timestamp be: the reference library's value.
TOLERANCE = timedelta(minutes=5)


class Moment:
    """A clock that is set."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC).replace(microsecond=0)

    def now(self):
        return self.at


@pytest.fixture
def clock(monkeypatch):
    clock = Moment()

    class ReceiversTime(datetime):
        @classmethod
        def now(cls, tz=None):
            return clock.now()

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", ReceiversTime)
    return clock


class Service:
    """The API on a database, the real sender, and a receiver that keeps what comes."""

    def __init__(self, world, clock, receiver) -> None:
        self._sender = HttpWebhookSender(
            timeout_s=10, allow_http=True, allowed_networks=[ip_network("127.0.0.1/32")]
        )
        box = replace(world.web, sender=self._sender, clock=clock)
        self._key = {"x-api-key": world.households[0].keys["admin"]}
        self._client = world.client(box)
        self._world, self._clock, self._receiver = world, clock, receiver
        self.endpoint = self.post("", url=f"http://127.0.0.1:{receiver.port}/hook")

    def post(self, path, **body):
        answered = self._client.post(f"/v1/webhooks{path}", headers=self._key, json=body)
        assert answered.status_code < 300, answered.text
        return answered.json

    def event(self):
        """Send one event; return the headers and the bytes that came."""
        sent = self.post(f"/{self.endpoint['id']}/test")
        return self._delivered(sent["id"])

    def again(self, delivery_id):
        """Send an event again by the API."""
        self.post(f"/{self.endpoint['id']}/deliveries/{delivery_id}/redeliver")
        return self._delivered(delivery_id)

    def _delivered(self, delivery_id):
        deliver(
            delivery_id,
            uow=self._world.owner.uow,
            sender=self._sender,
            clock=self._clock,
            lease=timedelta(minutes=2),
            jitter=float,
        )
        request = self._receiver.requests[-1]
        assert request.headers["webhook-id"] == delivery_id
        return request.headers, request.body

    def rotate(self):
        """Return the endpoint with its new secret and public key."""
        return self.post(f"/{self.endpoint['id']}/rotate")


@pytest.fixture
def service(database_server, migrated_template, clock):
    with new_world(database_server, migrated_template) as world, Receiver(answer(204)) as receiver:
        world.settle("acme")
        yield Service(world, clock, receiver)


def symmetric(secret):
    """The receiver that holds the secret: the reference library."""

    def accepts(headers, body):
        try:
            Webhook(secret).verify(body, headers, json_parse=False)
        except (WebhookVerificationError, ValueError):  # the latter on an empty signature
            return False
        return True

    return accepts


def asymmetric(public_key, clock):
    """The receiver that holds the public key: the scheme by its words, with another library."""
    prefix, _, encoded = public_key.partition("_")
    assert prefix == "whpk"
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded, validate=True))

    def accepts(headers, body):
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        sent_id, timestamp, signatures = (headers.get(name, "") for name in names)
        if not timestamp.isdecimal():
            return False
        if abs(clock.now().timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
            return False
        for signature in signatures.split():
            version, _, value = signature.partition(",")
            if version == "v1a":
                try:
                    key.verify(base64.b64decode(value), f"{sent_id}.{timestamp}.".encode() + body)
                except (InvalidSignature, ValueError):
                    continue
                return True
        return False

    return accepts


def swapped(headers, name, change):
    return {**headers, name: change(headers[name])}


def tampered(headers, body):
    """Yield variants that no receiver may take."""
    signatures = headers["webhook-signature"]
    yield headers, body[:-1]
    yield headers, body + b"\n"
    yield headers, body.replace(b"endpoint.test", b"job.succeeded")
    yield headers, json.dumps(json.loads(body)).encode()
    yield headers, json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    yield swapped(headers, "webhook-id", lambda value: value[:-1] + "xyz"), body
    yield swapped(headers, "webhook-timestamp", lambda value: str(int(value) + 1)), body
    yield swapped(headers, "webhook-timestamp", lambda value: str(int(value) - 1)), body
    yield swapped(headers, "webhook-signature", lambda value: value.replace(",", ",A")), body
    crossed = signatures.replace("v1a,", "x,").replace("v1,", "v1a,").replace("x,", "v1,")
    yield {**headers, "webhook-signature": crossed}, body
    yield {**headers, "webhook-signature": ""}, body
    yield {**headers, "webhook-signature": f"v2,{signatures.split(',')[1]}"}, body
    unsigned = {name: value for name, value in headers.items() if name != "webhook-timestamp"}
    yield unsigned, body


def receivers(endpoint, clock):
    return symmetric(endpoint["secret"]), asymmetric(endpoint["public_key"], clock)


def test_every_event_verifies_and_no_forgery_does(service, clock, size, finding):
    accepting = receivers(service.endpoint, clock)
    other = make_endpoint(service.endpoint["url"], signing_key=generate_signing_key())
    strangers = symmetric(other.secret), asymmetric(other.public_key, clock)
    n, refused, forged = 0, 0, 0
    rewritten_taken = rewritten = 0
    for _ in range(size(small=10, fast=100, full=300)):
        headers, body = service.event()
        n += len(accepting)
        refused += sum(not accepts(headers, body) for accepts in accepting)
        forged += sum(accepts(headers, body) for accepts in strangers)
        for variant in tampered(headers, body):
            n += len(accepting)
            forged += sum(accepts(*variant) for accepts in accepting)
        rewritten += 1
        rewritten_taken += accepting[0](headers, json.dumps(json.loads(body)).encode())
    finding(
        test="T11",
        promise="Receivers take every event, by secret or by public key, and no changed one",
        n=n,
        figure=f"{refused} refused wrongly, {forged} forgeries taken",
        passed=refused == 0 and forged == 0,
        naive=f"the receiver writes the JSON anew before it checks: "
        f"{rewritten - rewritten_taken} of {rewritten} true events refused",
        naive_failed=rewritten_taken < rewritten,
    )


def test_a_request_is_worth_something_for_five_minutes_only(service, clock, finding):
    accepting = receivers(service.endpoint, clock)
    headers, body = service.event()
    sent, wrong = clock.at, []
    second = timedelta(seconds=1)
    edges = {-TOLERANCE - second: False, -TOLERANCE: True, TOLERANCE: True}
    edges |= {TOLERANCE + second: False, timedelta(days=1): False}
    for age, fresh in edges.items():
        clock.at = sent + age
        wrong += [age for accepts in accepting if accepts(headers, body) is not fresh]
    # A redelivery is a new request with the old id.
    clock.at = sent + timedelta(days=1)
    again, same = service.again(headers["webhook-id"])
    fresh = all(accepts(again, same) for accepts in accepting) and same == body
    stale = sum(accepts({**again, **headers}, same) for accepts in accepting)
    replays = _without_a_clock(service.endpoint, headers, body)
    finding(
        test="T11",
        promise="A recorded request is refused after five minutes; a redelivery is signed afresh",
        n=len(edges) * len(accepting) + 4,
        figure=f"{len(wrong)} judged wrongly at the edges, {stale} replays taken, "
        f"redelivery {'accepted' if fresh else 'refused'}",
        passed=not wrong and fresh and stale == 0,
        naive=f"timestamp not compared with the clock: replay of the day before "
        f"{'taken' if replays else 'refused'}",
        naive_failed=replays,
    )


def _without_a_clock(endpoint, headers, body):
    """Check as those receivers do who look at the signature alone."""
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    expected = Webhook(endpoint["secret"]).sign(headers["webhook-id"], at, body.decode())
    return expected in headers["webhook-signature"].split()


def test_old_keys_sign_until_their_date_and_no_longer(service, clock, finding):
    old = receivers(service.endpoint, clock)
    start = clock.at
    new = receivers(service.rotate(), clock)
    judged = []
    for after, both in (
        (timedelta(0), True),
        (ROTATION_OVERLAP - timedelta(seconds=1), True),
        (ROTATION_OVERLAP, False),
        (ROTATION_OVERLAP + timedelta(days=30), False),
    ):
        clock.at = start + after
        headers, body = service.event()
        judged += [accepts(headers, body) for accepts in new]
        judged += [accepts(headers, body) is both for accepts in old]
    naive_refused = not symmetric(generate_secret())(headers, body)
    finding(
        test="T11",
        promise="A rotated secret and key pair sign for a day more, and then no longer",
        n=len(judged),
        figure=f"{judged.count(False)} of {len(judged)} judged wrongly",
        passed=all(judged),
        naive="secret replaced at once: the event is "
        f"{'refused' if naive_refused else 'taken'} by a receiver who still holds the other",
        naive_failed=naive_refused,
    )
