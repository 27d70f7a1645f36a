"""Events through the real sender to a receiver that fails in every way, by a clock that is set."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import UUID, uuid4

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.domain.delivery import DeliveryState, Endpoint, EventType, generate_secret
from app.domain.job import Job, JobState
from app.domain.job_parameters import DetectionParameters
from app.domain.tenant import DEFAULT_TENANT_ID
from app.services.webhooks.deliver import deliver, enqueue_events
from app.webhooks.sender import HttpWebhookSender
from tests.fakes import FakeClock
from tests.fakes_work import FakeWork
from tests.receivers import Receiver, answer, reset

EVENTS = 200
LEASE = timedelta(seconds=30)


class FaultyEndpoint:
    """Fails half of all requests, and counts what it took and what was not signed right."""

    def __init__(self, secret) -> None:
        self.taken = Counter()
        self.forged = 0
        self.silences = 0
        self._verifier = Webhook(secret)
        self._chance = random.Random(20260301)

    def __call__(self, connection, request):
        try:
            self._verifier.verify(request.body, request.headers)
        except WebhookVerificationError:
            self.forged += 1
        luck = self._chance.random()
        if luck < 0.30:
            answer(500)(connection, request)
        elif luck < 0.32:
            self.silences += 1
            connection.recv(1)  # says nothing until the sender gives up
        elif luck < 0.38:
            reset(connection, request)
        elif luck < 0.44:
            answer(429, "Retry-After: 900")(connection, request)
        elif luck < 0.46:
            answer(302, "Location: /elsewhere")(connection, request)
        else:
            self.taken[UUID(request.headers["webhook-id"])] += 1
            answer(200)(connection, request)


class MortalSender(HttpWebhookSender):
    """Dies now and then, after the event was sent and before that could be written down."""

    deaths = 0
    _chance = random.Random(3)

    def send(self, endpoint, delivery, *, at):
        attempt = super().send(endpoint, delivery, at=at)
        if self._chance.random() < 0.03:
            self.deaths += 1
            raise KeyboardInterrupt
        return attempt


@pytest.fixture
def clock(monkeypatch):
    clock = FakeClock()

    class ReceiversTime(datetime):
        @classmethod
        def now(cls, tz=None):
            return clock.now()

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", ReceiversTime)
    return clock


def ended_job(now):
    return Job(
        id=uuid4(),
        parameters=DetectionParameters(),
        state=JobState.SUCCEEDED,
        tenant_id=DEFAULT_TENANT_ID,
        created_at=now,
        finished_at=now,
    )


def deliver_all(work, sender, clock):
    """Make every attempt when it is due, until nothing is pending."""
    jitter = random.Random(7).random
    while True:
        for delivery_id in work.deliveries.due(now=clock.now(), limit=EVENTS):
            try:
                deliver(
                    delivery_id, uow=work, sender=sender, clock=clock, lease=LEASE, jitter=jitter
                )
            except KeyboardInterrupt:
                continue
        pending = [
            row.next_attempt_at
            for row in work.deliveries.rows.values()
            if row.state is DeliveryState.PENDING
        ]
        if not pending:
            return
        # What is due may still wait for its endpoint, which is throttled or busy.
        clock.moment = max(clock.now() + timedelta(seconds=10), min(pending))


def test_every_event_arrives_though_the_receiver_fails_and_the_sender_dies(clock):
    work, secret = FakeWork(), generate_secret()
    sender = MortalSender(
        timeout_s=0.3, allow_http=True, allowed_networks=[ip_network("127.0.0.1/32")]
    )
    faulty = FaultyEndpoint(secret)
    with Receiver(faulty) as receiver:
        work.endpoints.add(
            Endpoint(
                id=uuid4(),
                url=f"http://127.0.0.1:{receiver.port}/hook",
                secret=secret,
                events=frozenset({EventType.JOB_SUCCEEDED}),
                created_at=datetime.now(UTC),
            )
        )
        ids = [one for _ in range(EVENTS) for one in enqueue_events(work, [ended_job(clock.now())])]
        deliver_all(work, sender, clock)

    assert Counter(row.state for row in work.deliveries.rows.values()) == {
        DeliveryState.DELIVERED: EVENTS
    }
    assert set(faulty.taken) == set(ids)
    assert faulty.forged == 0
    assert sender.deaths > 0
    # On a busy machine an event that is taken may be answered too late.
    slow = sum(one.error == "No answer in time." for one in work.deliveries.log) - faulty.silences
    assert faulty.taken.total() <= EVENTS + sender.deaths + max(0, slow)
    errors = {one.error for one in work.deliveries.log}
    assert len(errors) == 6, errors
    for delivery_id in ids:
        for one, following in itertools.pairwise(work.deliveries.attempts(delivery_id)):
            assert following.at - one.at >= timedelta(seconds=one.retry_after_s or 5)
